"""Settings: precedence, sources, errors that name the line, and an editor that keeps comments."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import BadSetting, ExitCode, R3Error, Refused, SecretInEnvironment
from r3cli.layout import data_dir
from r3cli.paths import Paths
from r3cli.settings import Settings, Sources, Values, load_settings
from r3cli.settings.document import MAX_BYTES, parse_document, read_document
from r3cli.settings.edit import set_key
from r3cli.settings.environment import SEED_NAMES, variable
from r3cli.settings.keys import all_keys, flatten, nearest_key
from r3cli.settings.operations import (
    explain_setting,
    set_setting,
    show_paths,
    show_settings,
    validate_settings,
)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Folders of a fresh user in an empty working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Paths(
        config=tmp_path / "config",
        state=tmp_path / "state",
        data=tmp_path / "data",
        cache=tmp_path / "cache",
        runtime=tmp_path / "run",
    )


@pytest.fixture
def sources(tmp_path: Path, paths: Paths) -> Sources:
    return Sources(
        project=tmp_path / "work/r3.yaml",
        user=paths.config / "config.yaml",
        system=tmp_path / "etc/config.yaml",
        shipped=data_dir("config"),
    )


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(paths: Paths, sources: Sources, **environ: str) -> Settings:
    return load_settings(paths, sources=sources, environ=environ)


def test_shipped_files_give_every_key_a_value_and_describe_it(paths: Paths, sources: Sources) -> None:
    settings = load(paths, sources)
    assert settings.values.network == "local"
    assert settings.values.chain.endpoints == ()
    assert settings.values.chain.gas_price == Decimal("0.001")
    for key in all_keys():
        assert settings.winner(key).layer in ("default", "preset", "network"), key


@pytest.mark.parametrize(
    ("preset", "hidden", "layers", "batch", "length", "density"),
    [("nano", 256, 4, 8, 128, "1/8"), ("micro", 512, 8, 4, 256, "1/64"), ("small", 768, 12, 4, 256, "1/64")],
)
def test_preset_fills_what_nobody_set(
    paths: Paths, sources: Sources, preset: str, hidden: int, layers: int, batch: int, length: int, density: str
) -> None:
    settings = load_settings(paths, sources=sources, flags={"train.preset": preset}, environ={})
    values = settings.values
    assert (values.model.hidden_size, values.model.num_hidden_layers) == (hidden, layers)
    assert (values.train.batch_size, values.train.sequence_length, values.train.density) == (batch, length, density)
    assert values.model.max_position_embeddings >= values.train.sequence_length
    assert values.model.hidden_size % values.model.num_attention_heads == 0
    assert values.model.num_attention_heads % values.model.num_key_value_heads == 0
    assert settings.winner("train.batch_size").layer == "preset"


def test_each_layer_beats_the_one_below_it(paths: Paths, sources: Sources) -> None:
    key = "train.steps"

    def load_one(**environ: str) -> Settings:
        return load_settings(paths, sources=sources, profile="local", network="mine", environ=environ)

    write(sources.network_folders[0] / "mine.yaml", "train:\n  steps: 2\n")
    assert load_one().winner(key).layer == "network"
    write(sources.system, "train:\n  steps: 4\n")
    assert load_one().winner(key).layer == "system"
    write(sources.user, "train:\n  steps: 5\n")
    assert load_one().winner(key).layer == "user"
    write(sources.project, "train:\n  steps: 6\n")
    assert load_one().winner(key).layer == "project"
    assert load_one(R3_TRAIN__STEPS="7").winner(key).layer == "environment"
    settings = load_settings(
        paths,
        sources=sources,
        profile="local",
        network="mine",
        flags={key: 8},
        environ={"R3_TRAIN__STEPS": "7"},
    )
    layers = settings.layers(key)
    assert [(layer.layer, layer.value) for layer in layers] == [
        ("flag", 8),
        ("environment", 7),
        ("project", 6),
        ("user", 5),
        ("system", 4),
        ("network", 2),
        ("default", 30),
    ]
    assert [layer.wins for layer in layers] == [True] + [False] * 6
    assert layers[2].source == f"{sources.project}:2"
    assert settings.values.train.steps == 8


def test_profile_stands_between_files_and_network(paths: Paths, sources: Sources) -> None:
    settings = load_settings(paths, sources=sources, profile="production", environ={})
    assert settings.values.network == "r3mes"
    assert settings.winner("chain.gas_adjustment").layer == "profile"
    write(sources.user, "network: local\n")
    assert load_settings(paths, sources=sources, profile="production", environ={}).values.network == "local"


def test_profile_and_network_may_be_chosen_in_files_and_environment(paths: Paths, sources: Sources) -> None:
    write(sources.user, "profile: production\n")
    assert load(paths, sources).values.network == "r3mes"
    assert load(paths, sources, R3_NETWORK="local").values.network == "local"


def test_own_network_file_hides_the_shipped_one(paths: Paths, sources: Sources) -> None:
    file = write(sources.network_folders[0] / "r3mes.yaml", "chain:\n  endpoints: ['https://node.example:1317']\n")
    settings = load_settings(paths, sources=sources, network="r3mes", environ={})
    assert settings.values.chain.endpoints == ("https://node.example:1317",)
    assert settings.winner("chain.endpoints").source == f"{file}:2"


@pytest.mark.parametrize(
    ("text", "line", "says", "hint"),
    [
        ("train:\n  batchsize: 4\n", 2, "no setting train.batchsize", "train.batch_size"),
        ("# one\n\nbatch_size: 4\n", 3, "no setting batch_size", "train.batch_size"),
        ("trian:\n  steps: 4\n", 1, "no setting trian", "train"),
        ("train:\n  steps: many\n", 2, "train.steps cannot be 'many'", "explain"),
        ("train:\n  steps: 0\n", 2, ">= 1", "explain"),
        ("train:\n  steps:\n    a: 1\n", 2, "is a value, not a section", "explain"),
        ("train: 4\n", 1, "is a section", "train.preset"),
        ("train:\n  steps: 1\n  steps: 2\n", 3, "second time", ""),
        ("train: &a\n  steps: 1\n", 1, "anchors", ""),
        ("train: !!python/object:os.system {}\n", 1, "tags", ""),
        ("a: 1\n---\nb: 2\n", 2, "only one document", ""),
        ("- a\n", 1, "mapping of sections", ""),
        ("train:\n  lora:\n    targets: [[a]]\n", 3, "plain values", ""),
        ("train: {steps: [\n", 2, "", ""),
        ("model:\n  hidden_size: 300\n", 2, "preset", "train.preset"),
        ("chain:\n  max_fee: 1e3\n", 2, "not an amount", ""),
        ("chain:\n  gas_price: -1\n", 2, "not negative", ""),
        ("train:\n  optimizer:\n    learning_rate: inf\n", 3, "finite", ""),
        ("version: 2\n", 1, "version 1", "upgrade"),
    ],
)
def test_fault_names_file_and_line(paths: Paths, sources: Sources, text: str, line: int, says: str, hint: str) -> None:
    write(sources.user, text)
    with pytest.raises(BadSetting) as caught:
        load(paths, sources)
    assert caught.value.message.startswith(f"{sources.user}:{line}: ")
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_code is ExitCode.USAGE


def test_scalars_take_the_type_of_their_key(paths: Paths, sources: Sources) -> None:
    write(
        sources.user,
        "version: 1\nchain:\n  chain_id: 0x10\n  gas_price: 0.0250\nwallet:\n  name: no\n"
        "train:\n  data: ~\n  optimizer: {learning_rate: 1e-3}\n",
    )
    values = load(paths, sources).values
    assert values.chain.chain_id == "0x10"
    assert values.chain.gas_price == Decimal("0.025")
    assert values.wallet.name == "no"
    assert values.train.data is None
    assert values.train.optimizer.learning_rate == 1e-3


def test_empty_file_and_empty_section_say_nothing(paths: Paths, sources: Sources) -> None:
    write(sources.user, "# nothing\n")
    write(sources.project, "train:\n")
    assert load(paths, sources).values == load_settings(paths, sources=sources, environ={}).values


def test_oversized_and_deep_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="larger than"):
        read_document(write(tmp_path / "big.yaml", "#" * (MAX_BYTES + 1)))
    with pytest.raises(BadSetting):
        read_document(write(tmp_path / "deep.yaml", "a: " + "{a: " * 5000))
    with pytest.raises(BadSetting):
        read_document(write(tmp_path / "list.yaml", "[" * 60000))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_document_or_a_bad_setting(content: bytes) -> None:
    with suppress(BadSetting):
        assert set(flatten(parse_document(content, "f"), "f")) <= set(all_keys())


def test_unknown_network_is_named_with_those_that_exist(paths: Paths, sources: Sources) -> None:
    with pytest.raises(BadSetting, match="no network r3me") as caught:
        load(paths, sources, R3_NETWORK="r3me")
    assert "local, r3mes" in (caught.value.hint or "")
    with pytest.raises(BadSetting):
        load(paths, sources, R3_NETWORK="../../etc/passwd")


def test_environment_is_read_by_its_double_underscore(paths: Paths, sources: Sources) -> None:
    settings = load(
        paths,
        sources,
        R3_TRAIN__LORA__TARGETS="q_proj, v_proj",
        R3_CHAIN__ENDPOINTS="http://a:1,http://b:2",
        R3_WALLET__NAME="rig",
        R3_TRAIN__THREADS="null",
        R3_NO_INPUT="1",
        R3_STATE="/somewhere",
        R3_TRAIN__STEPS="",
        HOME="/nowhere",
    )
    assert settings.values.train.lora.targets == ("q_proj", "v_proj")
    assert settings.values.chain.endpoints == ("http://a:1", "http://b:2")
    assert settings.values.wallet.name == "rig"
    assert settings.winner("wallet.name").source == "R3_WALLET__NAME"
    assert settings.winner("train.steps").layer == "default"


def test_unknown_name_in_the_environment_is_an_error(paths: Paths, sources: Sources) -> None:
    with pytest.raises(BadSetting, match="R3_TRAIN__BATCHSIZE") as caught:
        load(paths, sources, R3_TRAIN__BATCHSIZE="4")
    assert caught.value.hint == "did you mean R3_TRAIN__BATCH_SIZE?"


@pytest.mark.parametrize("name", sorted(SEED_NAMES))
def test_seed_names_work_and_teach_ours(paths: Paths, sources: Sources, name: str) -> None:
    key = SEED_NAMES[name]
    settings = load_settings(paths, sources=sources, network="r3mes", environ={name: "3"})
    assert settings.winner(key).layer == "seed"
    assert any(name in warning and variable(key) in warning for warning in settings.warnings)
    ours = load_settings(paths, sources=sources, network="r3mes", environ={name: "3", variable(key): "4"})
    assert ours.winner(key).layer == "environment"


def test_seed_names_leave_the_local_chain_alone(paths: Paths, sources: Sources) -> None:
    settings = load(paths, sources, R3MES_CHAIN_ID="remes-test", R3MES_NODE_GRPC_URL="localhost:9090")
    assert settings.values.chain.chain_id is None
    assert any("R3_CHAIN__ENDPOINTS" in warning for warning in settings.warnings)


@pytest.mark.parametrize(
    "name",
    ["R3MES_PRIVATE_KEY", "R3_PASSPHRASE", "R3_WALLET__KEY", "R3_MNEMONIC", "R3MES_WALLET_PASSWORD", "R3_PRIVATEKEY"],
)
def test_secret_in_the_environment_is_refused_and_not_repeated(paths: Paths, sources: Sources, name: str) -> None:
    with pytest.raises(SecretInEnvironment) as caught:
        load(paths, sources, **{name: "5f2d-very-secret"})
    assert caught.value.exit_code is ExitCode.REFUSED
    assert name in caught.value.message
    assert f"unset {name}" in (caught.value.hint or "")
    assert "very-secret" not in f"{caught.value.message}{caught.value.hint}"


def test_bad_flag_names_the_flag(paths: Paths, sources: Sources) -> None:
    with pytest.raises(BadSetting, match=r"^--batch-size: "):
        load_settings(paths, sources=sources, flags={"train.batch_size": 0}, environ={})


def test_nearest_key_finds_spelling_and_section() -> None:
    assert nearest_key("train.batchsize") == "train.batch_size"
    assert nearest_key("learning_rate") == "train.optimizer.learning_rate"
    assert nearest_key("zzzzzz") is None


def test_show_and_explain(paths: Paths, sources: Sources) -> None:
    settings = load(paths, sources, R3_TRAIN__STEPS="9")
    shown = show_settings(settings).data.settings
    assert [row.key for row in shown] == list(all_keys())
    explained = explain_setting(settings, "train.steps").data
    assert explained.value == 9
    assert explained.variable == "R3_TRAIN__STEPS"
    assert explained.about == "local steps of a round"
    assert [layer.layer for layer in explained.layers] == ["environment", "default"]
    assert msgspec.json.decode(msgspec.json.encode(explained))["layers"][0]["wins"] is True
    with pytest.raises(BadSetting, match=r"no setting train\.stepz"):
        explain_setting(settings, "train.stepz")


def test_set_keeps_comments_and_says_what_overrides(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(paths.config / "config.yaml", "# mine\ntrain:\n  # why\n  steps: 3  # few\n\nwallet: {name: a}\n")
    changed = set_setting(paths, "train.steps", "12").data
    assert (changed.before, changed.value, changed.in_force) == (3, 12, True)
    assert file.read_text() == "# mine\ntrain:\n  # why\n  steps: 12  # few\n\nwallet: {name: a}\n"
    set_setting(paths, "train.lora.rank", "4")
    set_setting(paths, "wallet.name", "rig-2")
    set_setting(paths, "chain.endpoints", "https://a.example, unix:///run/x y.sock")
    assert load_settings(paths).values.chain.endpoints == ("https://a.example", "unix:///run/x y.sock")
    assert "# few" in file.read_text()
    monkeypatch.setenv("R3_TRAIN__STEPS", "5")
    result = set_setting(paths, "train.steps", "13")
    assert result.data.overridden_by == "R3_TRAIN__STEPS"
    assert result.warnings


def test_set_writes_nothing_that_later_commands_would_refuse(paths: Paths) -> None:
    for key, value in [("train.steps", "x"), ("network", "nowhere"), ("chain.max_fee", "much"), ("train.stepz", "1")]:
        with pytest.raises(BadSetting):
            set_setting(paths, key, value)
    assert not (paths.config / "config.yaml").exists()
    set_setting(paths, "train.steps", "3")
    assert (paths.config / "config.yaml").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "train:",
        "train: {}\n",
        "train:\n  lora:\n",
        "train:\n  steps: 3",
        "train:\n    steps: 3 # c\n    lora: {alpha: 4}\n# end\n",
        "train:\n  lora:\n    targets:\n      - a\n      - b\n    rank:   7   # r\nwallet:\n",
        "---\ntrain: {lora: {rank: 2, alpha: 1.5}, steps: 4}\n",
    ],
)
@pytest.mark.parametrize(
    ("key", "value"), [("train.lora.rank", 5), ("train.lora.targets", ("x", "y")), ("network", "n")]
)
def test_editor_changes_exactly_one_key(text: str, key: str, value: object) -> None:
    def read(content: str) -> dict[str, object]:
        return {name: source.value for name, source in flatten(parse_document(content.encode(), "f"), "f").items()}

    edited = set_key(text, key, value, "f")
    assert read(edited) == {**read(text), key: value}
    for line in text.splitlines():
        if "#" in line:
            assert "#" + line.partition("#")[2] in edited


def test_editor_refuses_what_it_cannot_edit_safely() -> None:
    text = "wallet:\n  name: |-\n    abc\ntrain:\n  steps: 3\n"
    with pytest.raises(Refused) as caught:
        set_key(text, "wallet.name", "def", "f")
    assert "by hand" in (caught.value.hint or "")


@given(st.sampled_from([key for key in all_keys() if not key.startswith("model.")]), st.text(max_size=20))
def test_a_value_that_is_accepted_is_read_back(key: str, text: str) -> None:
    from r3cli.settings.environment import read_text

    try:
        value = read_text(key, text, "here")
        edited = set_key("# head\n", key, value, "f")
    except R3Error:
        return
    assert flatten(parse_document(edited.encode(), "f"), "f")[key].value == value


def test_validate_reads_files_that_are_not_in_use(paths: Paths) -> None:
    file = write(paths.config / "networks" / "other.yaml", "chain:\n  prefiks: x\n")
    with pytest.raises(BadSetting, match=r"chain\.prefiks") as caught:
        validate_settings(paths)
    assert caught.value.message.startswith(f"{file}:2")
    file.write_text("chain:\n  prefix: x\n")
    assert validate_settings(paths).data.files == (str(file),)


def test_paths_creates_nothing(paths: Paths) -> None:
    data = show_paths(paths).data
    assert data.user_file == str(paths.config / "config.yaml")
    assert not paths.config.exists()


def test_values_have_no_hidden_defaults() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({}, Values)
