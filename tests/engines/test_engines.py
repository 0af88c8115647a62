"""The counterparts run, answer and can be paid; without this a broken fixture would look like a broken client."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from tests.engines.build import cache_folder
from tests.engines.cosmjs import Cosmjs
from tests.engines.kubo import Kubo
from tests.engines.missing import missing
from tests.engines.process import get_json
from tests.engines.simd import Simd


@pytest.mark.engine("kubo")
def test_kubo_answers_its_version(kubo: Kubo) -> None:
    request = urllib.request.Request(f"{kubo.url}/api/v0/version", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert b"0.39" in answer.read()


@pytest.mark.engine("simd")
def test_simd_pays_an_address(simd: Simd) -> None:
    address = "cosmos1qyqszqgpqyqszqgpqyqszqgpqyqszqgpjnp7du"  # twenty bytes of one: nobody's
    simd.fund(address, 5)
    found = get_json(int(simd.rest.rpartition(":")[2]), f"/cosmos/bank/v1beta1/balances/{address}")
    assert found["balances"] == [{"denom": simd.denom, "amount": "5"}]


@pytest.mark.engine("cosmjs")
def test_cosmjs_finds_its_modules(cosmjs: Cosmjs) -> None:
    (cosmjs.folder / "probe.mjs").write_text(
        'import {fromBech32} from "@cosmjs/encoding"; import {readFileSync} from "node:fs";\n'
        'console.log(JSON.stringify(fromBech32(JSON.parse(readFileSync(0, "utf8"))).prefix));\n'
    )
    assert cosmjs.run("probe.mjs", "remes1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqvumral") == "remes"


def test_a_missing_counterpart_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.engines.missing.IN_CI", False)
    with pytest.raises(pytest.skip.Exception, match="nothing: no compiler"):
        missing("nothing", "no compiler")
    monkeypatch.setattr("tests.engines.missing.IN_CI", True)
    with pytest.raises(pytest.fail.Exception, match="CI=true"):
        missing("nothing", "no compiler")


def test_cache_does_not_follow_a_redirected_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache_folder()
    for name in ("HOME", "XDG_CACHE_HOME", "R3_TEST_CACHE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert cache_folder() == before
