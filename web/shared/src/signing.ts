// Signed requests as docs/guides/signing-requests.md tells it: the text, the header, the three suites.
//
// Web Crypto does Ed25519 and RSA, the SDK's own arithmetic SM2. Verification knows the usual
// mistakes, so that it can say which of them was signed.

import { fromBase64, sm3, toHex, verifySm2 } from "@jialing/sdk";

export const SUITES = ["ED25519", "SM2-WITH-SM3", "SHA256-RSA2048"] as const;
export type Suite = (typeof SUITES)[number];

type Bytes = Uint8Array<ArrayBuffer>;

/** What a signature covers. */
export interface Signed {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly body: string;
}

/** The signed text: five parts, each followed by a line feed. */
export function signedText({ method, target, timestamp, nonce, body }: Signed): string {
  return `${method}\n${target}\n${timestamp}\n${nonce}\n${body}\n`;
}

/** The members of `Authorization: JIALING1-<ALG> mchid="…",…`; an error says what is missing. */
export interface Authorization {
  readonly suite: Suite;
  readonly mchid: string;
  readonly serial: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly signature: string;
}

export function parseAuthorization(header: string): Authorization | { readonly missing: string } {
  const [, scheme, rest] = /^\s*(?:Authorization:\s*)?JIALING1-(\S+)\s+([\s\S]*)$/i.exec(header) ?? [];
  const suite = SUITES.find((suite) => suite === scheme);
  if (suite === undefined || rest === undefined) return { missing: `JIALING1-${SUITES.join(" | ")}` };
  const members = new Map([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value ?? ""]));
  for (const name of ["mchid", "serial_no", "timestamp", "nonce_str", "signature"]) {
    if (!members.has(name)) return { missing: name };
  }
  const member = (name: string) => members.get(name) ?? "";
  return {
    suite,
    mchid: member("mchid"),
    serial: member("serial_no"),
    timestamp: member("timestamp"),
    nonce: member("nonce_str"),
    signature: member("signature"),
  };
}

/** The DER inside a PEM block of any label; `null` where there is none. */
export function fromPem(pem: string): Bytes | null {
  const [, inside] = /-----BEGIN [A-Z0-9 ]+-----([\s\S]*?)-----END/.exec(pem) ?? [];
  return inside === undefined ? null : fromBase64(inside.replace(/\s+/g, ""));
}

const SM2_CURVE = "06082a811ccf5501822d";
const ED25519_ID = "06032b6570";
const RSA_ID = "06092a864886f70d010101";

/** The suite that a key in DER, public or private, belongs to. */
export function suiteOf(der: Uint8Array): Suite | null {
  const head = toHex(der.slice(0, 64));
  if (head.includes(SM2_CURVE)) return "SM2-WITH-SM3";
  if (head.includes(ED25519_ID)) return "ED25519";
  return head.includes(RSA_ID) ? "SHA256-RSA2048" : null;
}

/** The key's `serial_no`: 16 hexadecimal digits of the SHA-256 of its public DER. */
export async function serialOf(publicDer: Bytes): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", publicDer))).slice(0, 16);
}

/** The digest under which a suite signs, for comparing by eye. */
export async function digestOf(suite: Suite, text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  if (suite === "SM2-WITH-SM3") return toHex(sm3(bytes));
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

const WEB_CRYPTO = { ED25519: { name: "Ed25519" }, "SHA256-RSA2048": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } } as const;

/** Whether `signature` is one of `text` under the public key in `publicDer`. */
export async function verify(suite: Suite, publicDer: Bytes, text: string, signature: Bytes): Promise<boolean> {
  const message = new TextEncoder().encode(text);
  if (suite === "SM2-WITH-SM3") return verifySm2(publicDer.slice(-65), message, signature);
  const algorithm = WEB_CRYPTO[suite];
  const key = await crypto.subtle.importKey("spki", publicDer, algorithm, false, ["verify"]);
  return crypto.subtle.verify(algorithm, key, signature, message);
}

/** Signs with a PKCS #8 key that Web Crypto knows: Ed25519 or RSA. */
export async function sign(privateDer: Bytes, text: string): Promise<string> {
  const suite = suiteOf(privateDer);
  if (suite === null || suite === "SM2-WITH-SM3") throw new Error("Web Crypto signs with Ed25519 and RSA keys only");
  const algorithm = WEB_CRYPTO[suite];
  const key = await crypto.subtle.importKey("pkcs8", privateDer, algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...signature));
}

/** The public half of a PKCS #8 key that Web Crypto knows, as DER. */
export async function publicOf(privateDer: Bytes): Promise<Bytes> {
  const suite = suiteOf(privateDer);
  if (suite === null || suite === "SM2-WITH-SM3") throw new Error("Web Crypto signs with Ed25519 and RSA keys only");
  const algorithm = WEB_CRYPTO[suite];
  const { kty, crv, x, n, e } = await crypto.subtle.exportKey("jwk", await crypto.subtle.importKey("pkcs8", privateDer, algorithm, true, ["sign"]));
  const members = Object.entries({ kty, crv, x, n, e }).filter(([, value]) => value !== undefined);
  const key = await crypto.subtle.importKey("jwk", Object.fromEntries(members) as JsonWebKey, algorithm, true, ["verify"]);
  return new Uint8Array(await crypto.subtle.exportKey("spki", key));
}

/** The header for a request that is sent now. */
export async function authorization(who: { mchid: string; privateDer: Bytes }, asked: Pick<Signed, "method" | "target" | "body">): Promise<string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(16)));
  const signature = await sign(who.privateDer, signedText({ ...asked, timestamp, nonce }));
  const serial = await serialOf(await publicOf(who.privateDer));
  return `JIALING1-${suiteOf(who.privateDer)} mchid="${who.mchid}",serial_no="${serial}",timestamp="${timestamp}",nonce_str="${nonce}",signature="${signature}"`;
}

/** Mistakes that are made again and again, each with the text that it signs instead. */
export const MISTAKES = {
  no_last_line_feed: (asked: Signed) => signedText(asked).slice(0, -1),
  crlf: (asked: Signed) => signedText(asked).replace(/\n/g, "\r\n"),
  body_with_line_feed: (asked: Signed) => signedText({ ...asked, body: `${asked.body}\n` }),
  no_query: (asked: Signed) => signedText({ ...asked, target: asked.target.split("?")[0] ?? "" }),
  decoded_target: (asked: Signed) => signedText({ ...asked, target: decoded(asked.target) }),
  lower_method: (asked: Signed) => signedText({ ...asked, method: asked.method.toLowerCase() }),
  no_body: (asked: Signed) => signedText({ ...asked, body: "" }),
  body_again: (asked: Signed) => signedText({ ...asked, body: serialised(asked.body, 0) }),
  body_spaced: (asked: Signed) => signedText({ ...asked, body: spaced(asked.body) }),
  body_pretty: (asked: Signed) => signedText({ ...asked, body: serialised(asked.body, 2) }),
  milliseconds: (asked: Signed) => signedText({ ...asked, timestamp: `${asked.timestamp}000` }),
  nonce_before_time: (asked: Signed) => signedText({ ...asked, timestamp: asked.nonce, nonce: asked.timestamp }),
} as const;

export type Mistake = keyof typeof MISTAKES;

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}

function serialised(body: string, indent: number): string {
  try {
    return JSON.stringify(JSON.parse(body), null, indent);
  } catch {
    return body;
  }
}

/** As Python's `json.dumps` writes it by default: a space after each comma and colon, ASCII only. */
function spaced(body: string): string {
  const write = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
    if (typeof value === "object" && value !== null) {
      return `{${Object.entries(value).map(([name, member]) => `${write(name)}: ${write(member)}`).join(", ")}}`;
    }
    return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  };
  try {
    return write(JSON.parse(body));
  } catch {
    return body;
  }
}

/** `r` and `s` of a DER signature, 32 bytes each; `null` when it is not one. */
export function fromDerSignature(der: Uint8Array): Bytes | null {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const integers: Uint8Array[] = [];
  for (let at = 2; at < der.length; ) {
    const length = der[at + 1] ?? 0;
    if (der[at] !== 0x02) return null;
    integers.push(der.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  const [r, s] = integers;
  if (r === undefined || s === undefined || integers.length !== 2) return null;
  const whole = new Uint8Array(64);
  for (const [integer, end] of [[r, 32], [s, 64]] as const) {
    const short = integer.slice(Math.max(0, integer.length - 32));
    whole.set(short, end - short.length);
  }
  return whole;
}

/** What a look at a signature found. */
export type Verdict =
  | { readonly kind: "valid" }
  | { readonly kind: "mistake"; readonly mistake: Mistake | "der" | "url_base64" }
  | { readonly kind: "malformed" }
  | { readonly kind: "other_suite"; readonly suite: Suite | null }
  | { readonly kind: "invalid" };

/** Verifies, and where it does not hold looks for the mistake that was made. */
export async function diagnose(suite: Suite, publicDer: Bytes, asked: Signed, signature: string): Promise<Verdict> {
  const belongs = suiteOf(publicDer);
  if (belongs !== suite) return { kind: "other_suite", suite: belongs };
  const text = signedText(asked);
  const given = fromBase64(signature);
  if (given === null) {
    const standard = signature.replace(/-/g, "+").replace(/_/g, "/");
    const mended = fromBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, "="));
    if (mended === null) return { kind: "malformed" };
    return (await verify(suite, publicDer, text, mended)) ? { kind: "mistake", mistake: "url_base64" } : { kind: "malformed" };
  }
  if (await verify(suite, publicDer, text, given)) return { kind: "valid" };
  for (const mistake of Object.keys(MISTAKES) as Mistake[]) {
    const other = MISTAKES[mistake](asked);
    if (other !== text && (await verify(suite, publicDer, other, given))) return { kind: "mistake", mistake };
  }
  const raw = suite === "SM2-WITH-SM3" ? fromDerSignature(given) : null;
  if (raw !== null && (await verify(suite, publicDer, text, raw))) return { kind: "mistake", mistake: "der" };
  return { kind: "invalid" };
}
