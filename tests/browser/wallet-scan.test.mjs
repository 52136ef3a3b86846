// A shop's printed code is read as a phone reads it: from a photograph, and through the camera.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { encode } from "../../web/node_modules/uqr/dist/index.mjs";
import { openTown } from "./wallet-town.mjs";

/** What the camera sees, pixels. */
const [WIDTH, HEIGHT] = [640, 480];

let folder;
let film;
let town;
let ming;
let printed;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "jialing-camera-"));
  film = join(folder, "camera.y4m");
  town = await openTown("--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`);
  ming = await town.meet("江小明");
  await ming.arrive();
  await ming.upgrade();
  await ming.link();
  await ming.topUp("100");
  printed = await town.shop.merchant.call("create_static_code", { body: { description: "柜台一", terminal: "TILL-1" } });
  assert.match(printed.qr_code, /^000201/, "a printed code is EMVCo's");
});

after(async () => {
  await town?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A photograph of a sticker with `text`: askew, small in the picture, unevenly lit, JPEG. */
async function photograph(page, text) {
  const { size, data } = encode(text, { ecc: "M", border: 4 });
  const base64 = await page.evaluate(
    async ([size, data]) => {
      const canvas = new OffscreenCanvas(1600, 1200);
      const context = canvas.getContext("2d");
      const light = context.createLinearGradient(0, 0, 1600, 1200);
      light.addColorStop(0, "#b98f6a");
      light.addColorStop(1, "#4d3a2c");
      context.fillStyle = light;
      context.fillRect(0, 0, 1600, 1200);
      context.translate(860, 560);
      context.rotate(0.14);
      const module = 520 / size;
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          context.fillStyle = data[y][x] ? "#2a2622" : "#e9e2d5";
          context.fillRect((x - size / 2) * module, (y - size / 2) * module, module + 0.5, module + 0.5);
        }
      }
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.7 });
      let binary = "";
      for (const byte of new Uint8Array(await blob.arrayBuffer())) binary += String.fromCharCode(byte);
      return btoa(binary);
    },
    [size, data],
  );
  return { name: "shop.jpg", mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
}

/** What a camera sees that is held before `text`: YUV4MPEG2, the same picture again and again. */
function filmOf(text) {
  const { size, data } = encode(text, { ecc: "M", border: 4 });
  const module = Math.floor(HEIGHT / size);
  const [left, top] = [Math.floor((WIDTH - module * size) / 2), Math.floor((HEIGHT - module * size) / 2)];
  const light = Buffer.alloc(WIDTH * HEIGHT, 150);
  for (let y = 0; y < module * size; y++) {
    for (let x = 0; x < module * size; x++) light[(top + y) * WIDTH + left + x] = data[Math.floor(y / module)][Math.floor(x / module)] ? 30 : 225;
  }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), light, Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`), frame, frame, frame, frame]);
}

test("a photograph of a shop's printed code is read, its amount typed, and paid", async () => {
  await ming.open("/scan");
  await ming.page.setInputFiles('input[type="file"]', await photograph(ming.page, printed.qr_code));
  await ming.page.getByText("柜台一").waitFor();
  await ming.fill("付款金额", "3.50");
  await ming.press("下一步");
  await ming.press("确认付款 ¥3.50");
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  assert.equal(await ming.balance(), "¥96.50");
});

test("an order's code in a picture is paid as one that may be old: the page says so", async () => {
  const order = await town.shop.order(1250, "磁器口麻花两斤");
  await ming.open("/scan");
  await ming.page.setInputFiles('input[type="file"]', await photograph(ming.page, order.qr_code));
  await ming.page.getByText("磁器口麻花两斤").first().waitFor();
  assert.match(await ming.text(), /来自图片的码可能是旧的或别人的/);
  const sent = ming.page.waitForRequest("**/payments");
  await ming.press("确认付款 ¥12.50");
  assert.equal((await sent).postDataJSON().via, "IMAGE");
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
});

test("pictures without a code, files that are no pictures, and strangers' codes open nothing", async () => {
  await ming.open("/scan");
  const choose = (file) => ming.page.setInputFiles('input[type="file"]', file);
  await choose({ name: "wall.png", mimeType: "image/png", buffer: await ming.page.screenshot() });
  await ming.page.getByText("图里没有认出二维码").waitFor();
  await choose(await photograph(ming.page, "https://example.com/pay?to=me"));
  await ming.page.getByText("不认识这个码").waitFor();
  assert.equal(await ming.page.getByText("图里没有认出二维码").count(), 0, "what is wrong now is said, and nothing else");
  await choose({ name: "noise.png", mimeType: "image/png", buffer: randomBytes(2_000) });
  await ming.page.getByText("图里没有认出二维码").waitFor();
  assert.equal(new URL(ming.page.url()).pathname, "/wallet/scan");
});

test("the camera reads a code by itself, and is switched off once it has", async () => {
  const order = await town.shop.order(800, "小面加煎蛋");
  await writeFile(film, filmOf(order.qr_code));
  await ming.context.grantPermissions(["camera"], { origin: town.address });
  await ming.open("/scan");
  await ming.page.getByText("小面加煎蛋").first().waitFor();
  assert.equal(new URL(ming.page.url()).searchParams.get("via"), "CAMERA");
  assert.equal(await ming.page.locator("video").count(), 0);
  await ming.press("确认付款 ¥8.00");
  assert.deepEqual(await ming.verdict(), ["good", "付款成功"]);
  assert.deepEqual(ming.errors, []);
});

test("a camera that is refused is explained, and the other ways stay", async () => {
  await ming.context.clearPermissions();
  const client = await ming.context.newCDPSession(ming.page);
  await client.send("Browser.setPermission", { permission: { name: "camera" }, setting: "denied", origin: town.address });
  await ming.open("/scan");
  await ming.press("打开相机");
  await ming.page.getByText("没有相机权限").waitFor();
  await ming.page.getByLabel("粘贴码或链接").waitFor();
});
