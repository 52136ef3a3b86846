// Keys of the three suites that servers sign with: Ed25519 and RSA by Web Crypto, SM2 from here.

import { type Bytes, concat, fromBase64, fromHex, same, toHex } from "./bytes.js";
import { isPoint, publicSm2, signSm2, verifySm2 } from "./sm2.js";

/** A suite: the algorithm and the hash inside it. It belongs to the key. */
export type Suite = "ED25519" | "SM2-WITH-SM3" | "SHA256-RSA2048";

/** The key cannot be read, or not by this program. */
export class BadKey extends Error {
  override readonly name = "BadKey";
}

const ED25519 = fromHex("06032b6570");
const RSA = fromHex("06092a864886f70d010101");
const EC = fromHex("06072a8648ce3d0201");
const SM2_CURVE = fromHex("06082a811ccf5501822d");
const SM2_SPKI = fromHex("3059301306072a8648ce3d020106082a811ccf5501822d034200");
const RSA_HASH = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** The parts inside a DER structure: each with its tag, content and whole bytes. */
function parts(der: Bytes): { readonly tag: number; readonly content: Bytes; readonly whole: Bytes }[] {
  const found = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at] as number;
    let length = der[at + 1] ?? -1;
    let begin = at + 2;
    if (length > 128 && length <= 131) {
      const count = length - 128;
      length = der.slice(begin, begin + count).reduce((sum, byte) => sum * 256 + byte, 0);
      begin += count;
    }
    if (length < 0 || length === 128 || begin + length > der.length) throw new BadKey("the key is not DER");
    found.push({ tag, content: der.slice(begin, begin + length), whole: der.slice(at, begin + length) });
    at = begin + length;
  }
  return found;
}

/** The bytes of a PEM text with this label. */
function pem(text: string, label: string): Bytes {
  const [, body] = new RegExp(`^-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----$`).exec(text.trim()) ?? [];
  const der = body === undefined ? null : fromBase64(body.replace(/\s/g, ""));
  if (der === null) throw new BadKey(`the key is not PEM with the label ${label}`);
  return der;
}

/** The suite of an algorithm identifier's content. */
function suiteOf(identifier: Bytes): Suite {
  const [algorithm, parameters] = parts(identifier);
  if (algorithm !== undefined && same(algorithm.whole, ED25519)) return "ED25519";
  if (algorithm !== undefined && same(algorithm.whole, RSA)) return "SHA256-RSA2048";
  if (algorithm !== undefined && same(algorithm.whole, EC) && parameters !== undefined && same(parameters.whole, SM2_CURVE)) return "SM2-WITH-SM3";
  throw new BadKey("the key's algorithm is none of Ed25519, SM2 and RSA");
}

/** A public key: the platform's, as the directory shows it. */
export class PublicKey {
  private constructor(
    readonly suite: Suite,
    /** The first 16 hexadecimal characters of the SHA-256 of the key's DER form. */
    readonly serial: string,
    /** DER `SubjectPublicKeyInfo`. */
    readonly spki: Bytes,
    /** The bytes inside: 32 for Ed25519, a point for SM2, `RSAPublicKey` for RSA. */
    readonly raw: Bytes,
    private readonly key: CryptoKey | null,
  ) {}

  /** Reads PEM `PUBLIC KEY`, or DER `SubjectPublicKeyInfo` in base64. */
  static async read(text: string): Promise<PublicKey> {
    const der = text.includes("-----BEGIN") ? pem(text, "PUBLIC KEY") : fromBase64(text.trim());
    if (der === null) throw new BadKey("the key is neither PEM nor base64");
    const [identifier, bits] = parts(parts(der)[0]?.content ?? new Uint8Array());
    if (identifier === undefined || bits?.tag !== 3 || bits.content[0] !== 0) throw new BadKey("the key is no SubjectPublicKeyInfo");
    const [suite, raw] = [suiteOf(identifier.content), bits.content.slice(1)];
    const serial = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", der))).slice(0, 16);
    if (suite === "SM2-WITH-SM3") {
      if (!isPoint(raw)) throw new BadKey("the key is no point on the curve of SM2");
      return new PublicKey(suite, serial, der, raw, null);
    }
    const algorithm = suite === "ED25519" ? { name: "Ed25519" } : RSA_HASH;
    try {
      return new PublicKey(suite, serial, der, raw, await crypto.subtle.importKey("spki", der, algorithm, true, ["verify"]));
    } catch (error) {
      throw new BadKey(`the key cannot be read: ${String(error)}`);
    }
  }

  /** Whether `signature` signs `message` under this key. */
  async verify(message: Bytes, signature: Bytes): Promise<boolean> {
    if (this.key === null) return verifySm2(this.raw, message, signature);
    const algorithm = this.suite === "ED25519" ? { name: "Ed25519" } : RSA_HASH;
    return crypto.subtle.verify(algorithm, this.key, signature, message);
  }
}

/** A secret key: yours. */
export class SigningKey {
  private constructor(
    readonly suite: Suite,
    /** The serial of the public half: what it is registered under. */
    readonly serial: string,
    private readonly secret: CryptoKey | { readonly secret: Bytes; readonly point: Bytes },
  ) {}

  /** Reads an unencrypted PKCS#8 key, PEM label `PRIVATE KEY`. */
  static async read(text: string): Promise<SigningKey> {
    const der = pem(text, "PRIVATE KEY");
    const [, identifier, wrapped] = parts(parts(der)[0]?.content ?? new Uint8Array());
    if (identifier === undefined || wrapped?.tag !== 4) throw new BadKey("the key is no PKCS#8 structure");
    const suite = suiteOf(identifier.content);
    if (suite === "SM2-WITH-SM3") return SigningKey.ofSm2(wrapped.content);
    const algorithm = suite === "ED25519" ? { name: "Ed25519" } : RSA_HASH;
    let [secret, shown]: [CryptoKey | null, JsonWebKey] = [null, {}];
    try {
      secret = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
      shown = await crypto.subtle.exportKey("jwk", await crypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]));
    } catch (error) {
      throw new BadKey(`the key cannot be read: ${String(error)}`);
    }
    // Web Crypto has no way from a secret to its public half but this one.
    const half: JsonWebKey = suite === "ED25519" ? { kty: "OKP", crv: "Ed25519", x: shown.x ?? "" } : { kty: "RSA", n: shown.n ?? "", e: shown.e ?? "" };
    const spki = new Uint8Array(await crypto.subtle.exportKey("spki", await crypto.subtle.importKey("jwk", half, algorithm, true, ["verify"])));
    return new SigningKey(suite, await serialOf(spki), secret);
  }

  private static async ofSm2(wrapped: Bytes): Promise<SigningKey> {
    const secret = parts(parts(wrapped)[0]?.content ?? new Uint8Array())[1];
    const point = secret?.tag === 4 ? publicSm2(secret.content) : null;
    if (secret === undefined || point === null) throw new BadKey("the key is no SM2 secret");
    return new SigningKey("SM2-WITH-SM3", await serialOf(concat(SM2_SPKI, point)), { secret: secret.content, point });
  }

  /** Signs `message`: 64 bytes for Ed25519 and SM2, as many as the modulus has for RSA. */
  async sign(message: Bytes): Promise<Bytes> {
    if ("point" in this.secret) return signSm2(this.secret.secret, message, undefined, this.secret.point);
    const algorithm = this.suite === "ED25519" ? { name: "Ed25519" } : RSA_HASH;
    return new Uint8Array(await crypto.subtle.sign(algorithm, this.secret, message));
  }
}

async function serialOf(spki: Bytes): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", spki))).slice(0, 16);
}
