import {
  aesDecryptGCM,
  aesEncryptGCM,
  Curve,
  hkdf,
  type KeyPair,
  NOISE_MODE,
  NOISE_WA_HEADER,
  proto,
  sha256,
} from "baileys";

/** Who the server is: its static key, and the chain of certificates that vouches for it. */
export interface ServerIdentity {
  key: KeyPair;
  /** What a client that checks signatures must trust instead of WhatsApp's own root. */
  root: KeyPair;
  certificates: Uint8Array;
}

export interface Transport {
  seal(plain: Uint8Array): Buffer;
  open(sealed: Uint8Array): Buffer;
}

/** What the client said in its last handshake message. */
export interface ClientFinish {
  transport: Transport;
  /** The device is known by it. */
  key: Buffer;
  payload: proto.ClientPayload;
}

const EMPTY = Buffer.alloc(0);

export function createServerIdentity(): ServerIdentity {
  const [key, intermediate, root] = [Curve.generateKeyPair(), Curve.generateKeyPair(), Curve.generateKeyPair()];
  const sign = (signer: KeyPair, details: proto.CertChain.NoiseCertificate.IDetails) => {
    const encoded = proto.CertChain.NoiseCertificate.Details.encode(details).finish();
    return { details: encoded, signature: Curve.sign(signer.private, encoded) };
  };
  const certificates = proto.CertChain.encode({
    leaf: sign(intermediate, { serial: 2, issuerSerial: 1, key: key.public }),
    intermediate: sign(root, { serial: 1, issuerSerial: 0, key: intermediate.public }),
  }).finish();
  return { key, root, certificates };
}

/** The responder's half of Noise_XX_25519_AESGCM_SHA256. */
export function createHandshake(identity: ServerIdentity) {
  const state = symmetricState();
  const ephemeral = Curve.generateKeyPair();
  return {
    /** @returns the server's hello. */
    hello(frame: Uint8Array): Uint8Array {
      const theirs = required(proto.HandshakeMessage.decode(frame).clientHello?.ephemeral);
      state.mixHash(NOISE_WA_HEADER);
      state.mixHash(theirs);
      state.mixHash(ephemeral.public);
      state.mixKey(Curve.sharedKey(ephemeral.private, theirs));
      const sealedKey = state.encrypt(identity.key.public);
      state.mixKey(Curve.sharedKey(identity.key.private, theirs));
      const payload = state.encrypt(identity.certificates);
      const serverHello = { ephemeral: ephemeral.public, static: sealedKey, payload };
      return proto.HandshakeMessage.encode({ serverHello }).finish();
    },
    finish(frame: Uint8Array): ClientFinish {
      const finish = proto.HandshakeMessage.decode(frame).clientFinish;
      const key = state.decrypt(required(finish?.static));
      state.mixKey(Curve.sharedKey(ephemeral.private, key));
      const payload = proto.ClientPayload.decode(state.decrypt(required(finish?.payload)));
      const [fromClient, toClient] = state.split();
      return { transport: createTransport(toClient, fromClient), key, payload };
    },
  };
}

function symmetricState() {
  let hash: Buffer = Buffer.from(NOISE_MODE);
  let chain: Uint8Array = hash;
  let key: Uint8Array = hash;
  let counter = 0;
  const mixHash = (data: Uint8Array) => {
    hash = sha256(Buffer.concat([hash, data]));
  };
  const derive = (secret: Uint8Array) => {
    const both = hkdf(secret, 64, { salt: chain, info: "" });
    return [both.subarray(0, 32), both.subarray(32)] as const;
  };
  return {
    mixHash,
    mixKey: (secret: Uint8Array) => {
      [chain, key] = derive(secret);
      counter = 0;
    },
    encrypt: (plain: Uint8Array) => {
      const sealed = aesEncryptGCM(plain, key, nonce(counter++), hash);
      mixHash(sealed);
      return sealed;
    },
    decrypt: (sealed: Uint8Array) => {
      const plain = aesDecryptGCM(sealed, key, nonce(counter++), hash);
      mixHash(sealed);
      return plain;
    },
    split: () => derive(EMPTY),
  };
}

function createTransport(sealKey: Uint8Array, openKey: Uint8Array): Transport {
  let [sealed, opened] = [0, 0];
  return {
    seal: (plain) => aesEncryptGCM(plain, sealKey, nonce(sealed++), EMPTY),
    open: (frame) => aesDecryptGCM(frame, openKey, nonce(opened++), EMPTY),
  };
}

function nonce(counter: number): Buffer {
  const iv = Buffer.alloc(12);
  iv.writeUInt32BE(counter, 8);
  return iv;
}

function required(bytes: Uint8Array | null | undefined): Uint8Array {
  if (!bytes?.length) throw new Error("the handshake lacks a part");
  return bytes;
}
