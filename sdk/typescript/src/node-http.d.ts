// The little of Node's HTTP server that the receiver needs, so that no package of types is.

declare module "node:http" {
  export interface IncomingMessage extends AsyncIterable<Uint8Array> {
    readonly method?: string;
    readonly url?: string;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  }
  export interface ServerResponse {
    writeHead(status: number, headers?: Readonly<Record<string, string>>): this;
    end(body?: string): void;
  }
  export interface Server {
    listen(port: number, host: string, listening: () => void): void;
    address(): { readonly port: number } | string | null;
    once(event: "error", heard: (error: Error) => void): void;
    close(closed: () => void): void;
    closeAllConnections(): void;
  }
  export function createServer(options: { readonly requestTimeout: number }, handle: (request: IncomingMessage, response: ServerResponse) => void): Server;
}
