import { expect, test } from "vitest";

import { deviceName, deviceText, evidenceText, makeKey, makeNonce, sign } from "../src/device.ts";

const meant = {
  action: "pay",
  payee: "mch_06c1v0q3000000000000000000",
  amount: { amount: 1250, currency: "CNY" },
  subject: "ord_06c1v0q3000000000000000000",
  wallet: "wal_06c1v0q3000000000000000000",
  expires: "2026-11-22T06:20:00.000Z",
  nonce: "0123456789abcdef0123456789abcdef",
};

test("the signed text is the guide's, byte for byte", () => {
  expect(evidenceText(meant)).toBe(
    "JIALING-EVIDENCE-1\naction:pay\npayee:mch_06c1v0q3000000000000000000\namount:1250 CNY\nsubject:ord_06c1v0q3000000000000000000\nwallet:wal_06c1v0q3000000000000000000\nexpires:2026-11-22T06:20:00.000Z\nnonce:0123456789abcdef0123456789abcdef\n",
  );
  expect(deviceText("bind", { challenge_id: "chl_1", nonce: "ab" }, "fd110d301d2f077d")).toBe("JIALING-DEVICE-1\naction:bind\nchallenge:chl_1\nnonce:ab\nkey:fd110d301d2f077d\n");
});

test("a value that could forge a line is never signed", () => {
  for (const payee of ["a\nb", "a\u2028b", "a\u0000", "a\u0085b"]) expect(() => evidenceText({ ...meant, payee })).toThrow(RangeError);
});

test("a device's key signs, and nobody reads it", async () => {
  const device = await makeKey();
  expect(device.keys.privateKey.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("pkcs8", device.keys.privateKey)).rejects.toThrow();
  expect(device.key_id).toMatch(/^[0-9a-f]{16}$/);
  const signature = Uint8Array.from(atob(await sign(device, "text")), (character) => character.charCodeAt(0));
  expect(signature.length).toBe(64);
  const held = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, device.keys.publicKey, signature, new TextEncoder().encode("text"));
  expect(held).toBe(true);
});

test("nonces are of the form that the platform takes, and differ", () => {
  expect(makeNonce()).toMatch(/^[0-9a-f]{32}$/);
  expect(makeNonce()).not.toBe(makeNonce());
});

test("a browser is named so that its owner knows it", () => {
  expect(deviceName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1")).toBe("iPhone Safari");
  expect(deviceName("Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537.36")).toBe("Linux Chrome");
  expect(deviceName("")).toBe("Browser");
});
