// The wallet's service worker: keeps the application's own files, so that it opens without network.
//
// Nothing of the API is kept here: what may be seen offline the pages keep themselves, and forget at
// sign-out. Files with a hash in their name never change; the page itself is asked for first.

declare const SHELL: readonly string[];
declare const self: ServiceWorkerGlobalScope;

const BASE = "/wallet/";
/** Named after what it holds: other files, another store. */
const STORE = `wallet-${hash(SHELL.join("\n"))}`;

function hash(text: string): string {
  let sum = 5381;
  for (const character of text) sum = ((sum * 33) ^ character.charCodeAt(0)) >>> 0;
  return sum.toString(36);
}

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(STORE)
      .then((store) => store.addAll([BASE, ...SHELL]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("wallet-") && name !== STORE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !pathname.startsWith(BASE)) return;
  if (request.mode === "navigate") return event.respondWith(page(request));
  if (SHELL.includes(pathname)) event.respondWith(file(request));
});

/** The page as the server has it; without network as it was kept. */
async function page(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    if (answer.ok) return answer;
  } catch {
    // No network.
  }
  return (await caches.match(BASE)) ?? Response.error();
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request);
}
