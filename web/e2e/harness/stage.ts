// A tiny web server with pages that a test writes: pages with faults, because a witness who never saw anything proves
// nothing, and pages of strangers, who follow no policy of ours.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** The app's own policy, as far as these pages meet it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types 'none'";

export class Stage {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Serves `files` by path; `/` is the page. A `policy` of nothing lets a page do what browsers let it do. */
  static async open(
    files: Readonly<Record<string, string>>,
    policy: string | null = POLICY,
  ): Promise<Stage> {
    const server = createServer((request, response) => {
      const body = files[request.url ?? "/"];
      const type = request.url?.endsWith(".js") ? "text/javascript" : "text/html";
      response.writeHead(body === undefined ? 404 : 200, {
        "content-type": `${type}; charset=utf-8`,
        ...(policy !== null && { "content-security-policy": policy }),
      });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Stage(server);
  }

  get origin(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
