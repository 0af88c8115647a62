// Signs and checks transactions with cosmjs. Request: {action: "sign" | "verify", ...}; bytes are hex.
import { DirectSecp256k1Wallet, makeSignBytes, makeSignDoc } from "@cosmjs/proto-signing";
import { rawSecp256k1PubkeyToRawAddress } from "@cosmjs/amino";
import { Secp256k1, Secp256k1Signature, sha256 } from "@cosmjs/crypto";
import { fromHex, fromBase64, toBech32, toHex } from "@cosmjs/encoding";
import { AuthInfo, SignDoc, TxBody, TxRaw } from "cosmjs-types/cosmos/tx/v1beta1/tx";
import { SignMode } from "cosmjs-types/cosmos/tx/signing/v1beta1/signing";
import { MsgSend } from "cosmjs-types/cosmos/bank/v1beta1/tx";
import { PubKey } from "cosmjs-types/cosmos/crypto/secp256k1/keys";

async function sign(request) {
  const wallet = await DirectSecp256k1Wallet.fromKey(fromHex(request.key), request.prefix);
  const [account] = await wallet.getAccounts();
  const messages = request.messages.map((message) =>
    message.send
      ? { typeUrl: MsgSend.typeUrl, value: MsgSend.encode(MsgSend.fromPartial(message.send)).finish() }
      : { typeUrl: message.typeUrl, value: fromHex(message.value) },
  );
  const body = TxBody.encode(
    TxBody.fromPartial({ messages, memo: request.memo, timeoutHeight: BigInt(request.timeoutHeight) }),
  ).finish();
  const authInfo = AuthInfo.encode(
    AuthInfo.fromPartial({
      signerInfos: [
        {
          publicKey: { typeUrl: PubKey.typeUrl, value: PubKey.encode({ key: account.pubkey }).finish() },
          modeInfo: { single: { mode: SignMode.SIGN_MODE_DIRECT } },
          sequence: BigInt(request.sequence),
        },
      ],
      fee: { amount: request.fee, gasLimit: BigInt(request.gas) },
    }),
  ).finish();
  const document = makeSignDoc(body, authInfo, request.chainId, request.accountNumber);
  const { signature } = await wallet.signDirect(account.address, document);
  const signatures = [fromBase64(signature.signature)];
  const raw = TxRaw.encode(
    TxRaw.fromPartial({ bodyBytes: body, authInfoBytes: authInfo, signatures }),
  ).finish();
  return { address: account.address, raw: toHex(raw), hash: toHex(sha256(raw)).toUpperCase() };
}

async function verify(request) {
  const raw = TxRaw.decode(fromHex(request.raw));
  const authInfo = AuthInfo.decode(raw.authInfoBytes);
  const body = TxBody.decode(raw.bodyBytes);
  const { key } = PubKey.decode(authInfo.signerInfos[0].publicKey.value);
  const document = SignDoc.fromPartial({
    bodyBytes: raw.bodyBytes,
    authInfoBytes: raw.authInfoBytes,
    chainId: request.chainId,
    accountNumber: BigInt(request.accountNumber),
  });
  const valid = await Secp256k1.verifySignature(
    Secp256k1Signature.fromFixedLength(raw.signatures[0]),
    sha256(makeSignBytes(document)),
    key,
  );
  return {
    valid,
    address: toBech32(request.prefix, rawSecp256k1PubkeyToRawAddress(key)),
    types: body.messages.map((message) => message.typeUrl),
    send: body.messages.filter((m) => m.typeUrl === MsgSend.typeUrl).map((m) => MsgSend.toJSON(MsgSend.decode(m.value))),
    timeoutHeight: body.timeoutHeight.toString(),
    sequence: authInfo.signerInfos[0].sequence.toString(),
    gas: authInfo.fee.gasLimit.toString(),
    reencoded: toHex(TxRaw.encode(raw).finish()),
  };
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const request = JSON.parse(text);
const answer = await (request.action === "sign" ? sign(request) : verify(request));
process.stdout.write(JSON.stringify(answer));
