import { createPublicKey, generateKeyPairSync } from "node:crypto";

import { expect, test } from "vitest";

import { example, vectors } from "virtual:vectors";

import { authorization, diagnose, fromPem, MISTAKES, type Mistake, parseAuthorization, publicOf, serialOf, sign, type Signed, signedText, suiteOf } from "../src/signing.ts";

const ASKED: Signed = {
  method: "POST",
  target: "/v1/merchant/orders?x=%7C",
  timestamp: "1795320000",
  nonce: "593bec0c930bf1afeb40b4a08c8fb242",
  body: '{"description":"麻花","amount":{"amount":1250}}',
};

function der(pem: string) {
  const read = fromPem(pem);
  if (read === null) throw new Error("no PEM");
  return read;
}

/** A fresh key of each suite that Web Crypto signs with. */
const KEYS = [generateKeyPairSync("ed25519"), generateKeyPairSync("rsa", { modulusLength: 2048 })].map(({ privateKey, publicKey }) => ({
  privateDer: der(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
  publicDer: der(publicKey.export({ type: "spki", format: "pem" }).toString()),
}));

test("the guide's worked example and every published vector verify", async () => {
  for (const { authorization, body, method, target, publicKey } of [example, ...vectors.map(({ asked }) => asked)]) {
    const read = parseAuthorization(authorization);
    if ("missing" in read) throw new Error(read.missing);
    const signed = { method, target, timestamp: read.timestamp, nonce: read.nonce, body };
    expect(await diagnose(read.suite, der(publicKey), signed, read.signature)).toEqual({ kind: "valid" });
    expect(await diagnose(read.suite, der(publicKey), { ...signed, target: `${target}x` }, read.signature)).toEqual({ kind: "invalid" });
    expect(await serialOf(der(publicKey))).toBe(read.serial);
  }
});

test("each usual mistake is named, under each suite", async () => {
  for (const { privateDer, publicDer } of KEYS) {
    const suite = suiteOf(publicDer);
    if (suite === null) throw new Error("a suite");
    for (const mistake of Object.keys(MISTAKES) as Mistake[]) {
      const asked = mistake === "body_again" ? { ...ASKED, body: '{ "a": 1 }' } : ASKED;
      const signature = await sign(privateDer, MISTAKES[mistake](asked));
      expect(await diagnose(suite, publicDer, asked, signature)).toEqual({ kind: "mistake", mistake });
    }
    const good = await sign(privateDer, signedText(ASKED));
    expect(await diagnose(suite, publicDer, ASKED, good.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, ""))).toEqual(
      /[+/=]/.test(good) ? { kind: "mistake", mistake: "url_base64" } : { kind: "valid" },
    );
    expect(await diagnose(suite, publicDer, ASKED, "not base64!")).toEqual({ kind: "malformed" });
    expect(await diagnose(suite === "ED25519" ? "SHA256-RSA2048" : "ED25519", publicDer, ASKED, good)).toEqual({ kind: "other_suite", suite });
  }
});

test("a header that is made here is read here, and names the key's own serial", async () => {
  for (const { privateDer, publicDer } of KEYS) {
    expect(await publicOf(privateDer)).toEqual(publicDer);
    const header = await authorization({ mchid: "mch_1", privateDer }, ASKED);
    const read = parseAuthorization(header);
    if ("missing" in read) throw new Error(read.missing);
    expect(read.serial).toBe(await serialOf(publicDer));
    expect(await diagnose(read.suite, publicDer, { ...ASKED, timestamp: read.timestamp, nonce: read.nonce }, read.signature)).toEqual({ kind: "valid" });
  }
});

test("a header that lacks something says what", () => {
  const check = (header: string, missing: string) => expect(parseAuthorization(header)).toEqual({ missing });
  check('JIALING1-ED25519 mchid="m",timestamp="1",nonce_str="n",signature="s"', "serial_no");
  check('JIALING1-ED25519 mchid="m",serial_no="1",timestamp="1",nonce_str="n"', "signature");
  check('WECHATPAY2-SHA256-RSA2048 mchid="m"', "JIALING1-ED25519 | SM2-WITH-SM3 | SHA256-RSA2048");
  expect(parseAuthorization('Authorization: JIALING1-ED25519 mchid="m",serial_no="1",timestamp="1",nonce_str="n",signature="s"')).toHaveProperty("mchid", "m");
});

test("a key is known by its suite, and an unknown one is none", () => {
  expect(KEYS.map(({ publicDer }) => suiteOf(publicDer))).toEqual(["ED25519", "SHA256-RSA2048"]);
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  expect(suiteOf(der(createPublicKey(other.privateKey).export({ type: "spki", format: "pem" }).toString()))).toBeNull();
  expect(fromPem("no key here")).toBeNull();
});
