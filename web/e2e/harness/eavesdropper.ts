// Someone on the same network who writes down every frame on the wire.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Background } from "./background.ts";

const LISTEN = `
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
wire.bind(("lan0", 0))
out = open(sys.argv[1], "wb")
print("ready", flush=True)
while True:
    out.write(wire.recv(65535))
    out.flush()
`;

export class Eavesdropper {
  readonly #process: Background;
  readonly #file: string;

  private constructor(process: Background, file: string) {
    this.#process = process;
    this.#file = file;
  }

  /** Listens behind `within`, and writes into `folder`. */
  static async listen(within: readonly string[], folder: string): Promise<Eavesdropper> {
    const file = join(folder, "wire.bin");
    const [command = "python3", ...rest] = [...within, "/usr/bin/python3", "-c", LISTEN, file];
    const process = new Background(command, rest);
    await process.line("ready", 10_000);
    return new Eavesdropper(process, file);
  }

  /** Ends, and gives what was heard. */
  async heard(): Promise<Buffer> {
    await this.#process.stop();
    return readFileSync(this.#file);
  }
}

/** Fewer characters come about by chance in the megabytes of noise that a sealed session is. */
const TELLING = 7;

/** The characters of base64 that `bytes` alone decide, `shift` bytes after a group of three began. */
function base64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  return text.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3));
}

/**
 * Which of `secrets` stand in `heard`: as they are, in hexadecimal, in base64 or base64url.
 * @throws {Error} A secret has fewer than six bytes: it could be heard by chance.
 */
export function leaked(heard: Buffer, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => {
    const bytes = Buffer.from(secret);
    const groups = [0, 1, 2].map((shift) => base64(bytes, shift));
    if (groups.some((group) => group.length < TELLING)) {
      throw new Error(`${secret} is too short to be listened for`);
    }
    const hex = bytes.toString("hex");
    const url = groups.map((group) => group.replaceAll("+", "-").replaceAll("/", "_"));
    const forms = [bytes, hex, hex.toUpperCase(), ...groups, ...url];
    return forms.some((form) => heard.includes(form));
  });
}
