// Fast playback from keyframes alone: of each segment only the header and the first keyframe are fetched, a
// few at a time, and what the clock has passed is left out. Chains and manifests are not seen, so nothing of
// it counts as verified; each picture's tag and its segment's place are checked.

import type { Bytes } from "../domain/bytes.ts";
import { SealedError } from "../domain/errors.ts";
import { Splitter } from "../sealed/record.ts";
import type { RecordedRequest } from "../sealed/recorded.ts";
import { RecordedOpener } from "../sealed/recorded.ts";
import type { SegmentHeader } from "../sealed/segment.ts";
import type { Channel } from "./channel.ts";
import type { KeyPicture, Loaded } from "./loader.ts";
import { follows, sleep } from "./loader.ts";
import type { Segment, SegmentIndex, Stream } from "./segments.ts";
import { endOf } from "./segments.ts";

/** Asks for a range of sealed bytes, all at once. */
export type FetchAll = (
  path: string,
  range: { start: number; end: number },
  signal: AbortSignal,
) => Promise<Bytes>;

/** Fetches and opens the first keyframe of `segment`; `null` when it holds none. */
export async function keyOf(
  stream: Stream,
  segment: Segment,
  request: RecordedRequest,
  fetch: FetchAll,
  signal: AbortSignal,
): Promise<KeyPicture | null> {
  if (segment.keyLen === 0) return null;
  const path = `/cameras/${stream.camera}/data?rendition=${stream.rendition}`;
  const range = { start: segment.offset, end: segment.offset + segment.keyLen };
  const bytes = await fetch(path, range, signal);
  const opener = new RecordedOpener(request);
  let header: SegmentHeader | null = null;
  for (const record of new Splitter().push(bytes)) {
    const step = await opener.push(record);
    if (step.kind === "segment") header = step.header;
    if (step.kind !== "frame" || header === null) continue;
    const frame = await step.opened;
    if (frame.track === "video" && frame.key) return { header, frame };
  }
  return null;
}

/** What a key loader works with. */
export interface KeyLoaderParts {
  readonly stream: Stream;
  readonly index: SegmentIndex;
  readonly request: RecordedRequest;
  readonly fetch: FetchAll;
  readonly out: Channel<Loaded>;
  readonly signal: AbortSignal;
  /** The moment that is shown, in milliseconds since 1970. */
  readonly clock: () => number;
}

/** How often the end of what is recorded is asked for more, in milliseconds. */
const END_POLL_MS = 1_000;

/** Queues the keyframes from `first` on, until the signal aborts. */
export async function loadKeys(first: Segment, parts: KeyLoaderParts): Promise<void> {
  const { index, out, signal, clock } = parts;
  try {
    let here = first;
    while (!signal.aborted) {
      if (here.keyLen > 0 && (here === first || endOf(here) >= clock())) await give(here, parts);
      const next = await following(here, parts);
      if (next === null) return;
      if (!follows(here, next)) {
        await out.send({ kind: "gap", fromMs: endOf(here), toMs: next.startMs }, 0);
      }
      here = await index.again(next);
    }
  } catch (error) {
    if (!signal.aborted) out.fail(error);
  } finally {
    out.close();
  }
}

async function following(here: Segment, { index, out, signal }: KeyLoaderParts) {
  for (let told = false; !signal.aborted; told = true) {
    const next = await index.next(here);
    if (next !== null) return next;
    if (!told) await out.send({ kind: "end", atMs: endOf(here) }, 0);
    await sleep(END_POLL_MS, signal);
  }
  return null;
}

/** Starts to fetch one keyframe and queues its promise, so that a few are on their way at once. */
async function give(segment: Segment, parts: KeyLoaderParts): Promise<void> {
  const { stream, request, fetch, out, signal } = parts;
  const picture = keyOf(stream, segment, request, fetch, signal);
  const opened = picture.then((found) => {
    if (found === null) throw new SealedError("not-found", "keyframe");
    return found;
  });
  opened.catch(() => undefined); // Whoever receives it is told.
  await out.send({ kind: "key", segment, opened }, 1);
}
