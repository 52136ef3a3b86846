// Values sealed for the platform's encryption key: JSON Web Encryption (RFC 7516), RSA-OAEP-256 with A256GCM.

import { type Bytes, fromBase64, toBase64, toHex, utf8 } from "./bytes.js";
import { BadKey } from "./keys.js";

/** One of the platform's encryption keys, as `encryption` of /v1/public/keys lists them. */
export interface EncryptionKeyInfo {
  readonly serial_no: string;
  /** `RSA-OAEP-256`; keys of `SM2` are for programs that have that cipher. */
  readonly algorithm: string;
  /** DER `SubjectPublicKeyInfo` in base64. */
  readonly public_key: string;
}

const base64url = (bytes: Bytes): string => toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const RSA_OAEP = { name: "RSA-OAEP", hash: "SHA-256" };

/** Seals texts that only the platform opens. */
export class EncryptionKey {
  private constructor(
    /** Its serial number, for the header `Jialing-Sealed-With`. */
    readonly serial: string,
    private readonly key: CryptoKey,
  ) {}

  /** Reads a key of the directory. Compare its serial number with one that you noted down. */
  static async read({ serial_no, algorithm, public_key }: EncryptionKeyInfo): Promise<EncryptionKey> {
    const der = fromBase64(public_key);
    if (algorithm !== "RSA-OAEP-256" || der === null) throw new BadKey("the key is not for RSA-OAEP-256");
    const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", der)));
    if (digest.slice(0, 16) !== serial_no) throw new BadKey("the key's serial number is not its own");
    return new EncryptionKey(serial_no, await crypto.subtle.importKey("spki", der, RSA_OAEP, false, ["encrypt"]));
  }

  /** Seals a text: stands in the place of a text in a request's JSON. */
  async seal(text: string): Promise<{ readonly jwe: string }> {
    const header = base64url(utf8(JSON.stringify({ alg: "RSA-OAEP-256", enc: "A256GCM", kid: this.serial })));
    const contentKey = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
    const raw = await crypto.subtle.exportKey("raw", contentKey);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(header) }, contentKey, utf8(text)));
    const wrapped = new Uint8Array(await crypto.subtle.encrypt(RSA_OAEP, this.key, raw));
    const [ciphertext, tag] = [sealed.slice(0, -16), sealed.slice(-16)];
    return { jwe: [header, ...[wrapped, iv, ciphertext, tag].map(base64url)].join(".") };
  }
}
