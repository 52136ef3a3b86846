// A receiver of webhooks for Node.js: mounted into your server, or a server of its own in one line, for tests
// and small shops.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { concat } from "./bytes.js";
import { type Notice, Receiver, type ReceiverOptions, Refused } from "./webhook.js";

/** The largest delivery that is read, bytes. */
export const MAX_BODY = 256 * 1024;
/** How many ids of events are remembered, so that one delivered again is not handled again. */
export const REMEMBERED = 10_000;
/** Milliseconds for a whole delivery to arrive. */
const ARRIVAL_MS = 10_000;

/** Deals with an event. When it throws, the platform is told to deliver again. */
export type Handle = (notice: Notice) => void | Promise<void>;

/** Handles requests of Node's HTTP server: put it where the endpoint's address leads. */
export function listener(options: ReceiverOptions, handle: Handle): (request: IncomingMessage, response: ServerResponse) => void {
  const receiver = new Receiver(options);
  const handled = new Set<string>();
  const take = async (request: IncomingMessage): Promise<readonly [status: number, text: string]> => {
    if (request.method !== "POST") return [405, "method_not_allowed"];
    const body = await bodyOf(request);
    if (body === null) return [413, "body_too_large"];
    const notice = await receiver.open(request.headers, body);
    if (handled.has(notice.id)) return [200, "seen before"];
    await handle(notice);
    handled.add(notice.id);
    for (const oldest of handled) {
      if (handled.size <= REMEMBERED) break;
      handled.delete(oldest);
    }
    return [200, "taken"];
  };
  return (request, response) => {
    take(request)
      .catch((error: unknown) => (error instanceof Refused ? ([400, error.code] as const) : ([500, "not handled"] as const)))
      .then(([status, text]) => response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text), () => undefined);
  };
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length > MAX_BODY) return null;
    pieces.push(piece);
  }
  return concat(...pieces);
}

/** A receiver that listens. */
export interface Listening {
  /** What to register as the endpoint's address. */
  readonly url: string;
  /** The next event that arrives and was not asked for yet, in the order of arrival. */
  next(): Promise<Notice>;
  close(): Promise<void>;
}

/** Where to listen. */
export interface ListenOptions extends ReceiverOptions {
  /** A free one unless given. */
  readonly port?: number;
  /** This machine alone unless given. */
  readonly host?: string;
}

/** Starts a server that takes deliveries, at any path. */
export async function receive({ port = 0, host = "127.0.0.1", ...options }: ListenOptions, handle: Handle = () => undefined): Promise<Listening> {
  const arrived: Notice[] = [];
  const waiting: ((notice: Notice) => void)[] = [];
  const take: Handle = async (notice) => {
    await handle(notice);
    const first = waiting.shift();
    if (first === undefined) arrived.push(notice);
    else first(notice);
  };
  const server = createServer({ requestTimeout: ARRIVAL_MS }, listener(options, take));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const listening = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host}:${listening}/`,
    next: () => {
      const first = arrived.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
