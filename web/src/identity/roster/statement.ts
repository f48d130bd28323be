// One signed line of the roster and its canonical bytes (docs/sealed-stream.md §8). Reading one does not
// believe it: whether it belongs on a roster is decided when it is applied (`rules.ts`).

import type { Bytes } from "../../domain/bytes.ts";
import { ascii, concat, sha256 } from "../../domain/bytes.ts";
import { demand } from "../../domain/errors.ts";
import type { Hash, KeyId, SiteId } from "../../domain/id.ts";
import { bytesOf, idOf } from "../../domain/id.ts";
import { Reader, Writer } from "../../domain/wire.ts";
import type { SigningKey, VerifyingKey } from "../key.ts";
import { SIGNATURE_LEN, sign, verify } from "../key.ts";
import type { Operation } from "./operation.ts";
import { decodeOperation, encodeOperation } from "./operation.ts";

/** Bytes of one statement. */
export const MAX_STATEMENT_BYTES = 16_384;

const VERSION = 1;
const CONTEXT = "bartizan/v1/roster";

/** A signed line of the roster; its signature is checked when it is applied. */
export interface Statement {
  readonly site: SiteId;
  /** Its place, from 0. */
  readonly sequence: bigint;
  /** Hash of the statement before it; zero for the first. */
  readonly previous: Hash;
  /** When it was made, by the author's clock, in milliseconds since 1970. */
  readonly time: bigint;
  /** Key id of the identity that signed it. */
  readonly author: KeyId;
  readonly operation: Operation;
  /** The canonical bytes, signature last. */
  readonly bytes: Bytes;
  /** What the next statement names as its predecessor. */
  readonly hash: Hash;
}

async function hashOf(bytes: Bytes): Promise<Hash> {
  return idOf<Hash>(await sha256(ascii("bartizan/v1/statement"), bytes));
}

/** Reads a statement without believing it. */
export async function decodeStatement(bytes: Bytes): Promise<Statement> {
  demand(bytes.length <= MAX_STATEMENT_BYTES, "too-long", "statement");
  const input = new Reader(bytes);
  input.exactly("statement version", VERSION);
  const head = {
    site: idOf<SiteId>(input.view("site", 16)),
    sequence: input.u64("sequence"),
    previous: idOf<Hash>(input.view("previous", 32)),
    time: input.u64("time"),
    author: idOf<KeyId>(input.view("author", 16)),
  };
  const operation = await decodeOperation(input);
  input.view("signature", SIGNATURE_LEN);
  input.finish("statement");
  const kept = bytes.slice();
  return { ...head, operation, bytes: kept, hash: await hashOf(kept) };
}

/** Where the next statement stands: its sequence number and the hash before it. */
export interface Place {
  readonly site: SiteId;
  readonly sequence: bigint;
  readonly previous: Hash;
}

/** Makes and signs a statement. */
export async function signStatement(
  key: SigningKey,
  place: Place,
  time: bigint,
  operation: Operation,
): Promise<Statement> {
  const author = key.public.id;
  const out = new Writer().u8(VERSION).fixed(bytesOf(place.site)).u64(place.sequence);
  out.fixed(bytesOf(place.previous)).u64(time).fixed(bytesOf(author));
  encodeOperation(out, operation);
  const message = out.bytes();
  const bytes = concat(message, await sign(key, CONTEXT, message));
  demand(bytes.length <= MAX_STATEMENT_BYTES, "too-long", "statement");
  const { site, sequence, previous } = place;
  return { site, sequence, previous, time, author, operation, bytes, hash: await hashOf(bytes) };
}

/** Whether `key` signed it. */
export function isSignedBy(statement: Statement, key: VerifyingKey): Promise<boolean> {
  const end = statement.bytes.length - SIGNATURE_LEN;
  return verify(key, CONTEXT, statement.bytes.subarray(0, end), statement.bytes.subarray(end));
}
