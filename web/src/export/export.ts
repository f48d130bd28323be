// Exporting from the page: starts a worker, tells progress, and gives the files. Aborting ends it at once.

import type { Unlocked, VaultSeed } from "../account/session.ts";
import type { SignedOut } from "../account/worker.ts";
import type { ClientSeed } from "../api/client.ts";
import type { Camera } from "../api/documents.ts";
import type { Stream } from "../playback/segments.ts";
import type { Rendition } from "../sealed/record.ts";
import { trustedWorkerUrl } from "../ui/trusted.ts";
import workerUrl from "./export.worker.ts?worker&url";
import type { ExportedFile } from "./exporter.ts";

export type { ExportedFile } from "./exporter.ts";

/** To the worker: what is to be exported, and what opens it. */
export interface ExportOrder {
  readonly vault: VaultSeed;
  readonly client: ClientSeed;
  readonly stream: Stream;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Why an export failed, across the border of the worker. */
export interface ExportProblem {
  readonly code: "nothing-recorded" | "too-long" | "refused" | "failed";
  /** An API problem's type. */
  readonly type: string | null;
  readonly atMs: number | null;
}

/** From the worker. */
export type ExportAnswer =
  | SignedOut
  | { readonly kind: "progress"; readonly arrived: number; readonly total: number }
  | { readonly kind: "done"; readonly files: readonly ExportedFile[] }
  | { readonly kind: "failed"; readonly problem: ExportProblem };

/** An export that failed. */
export class ExportFailed extends Error {
  override readonly name = "ExportFailed";
  readonly problem: ExportProblem;

  constructor(problem: ExportProblem) {
    super(problem.code);
    this.problem = problem;
  }
}

/** What is to be exported. */
export interface ExportRequest {
  readonly session: Unlocked;
  readonly camera: Camera;
  readonly rendition: Rendition;
  readonly fromMs: number;
  readonly toMs: number;
  /** From 0 to 1. */
  readonly onProgress: (part: number) => void;
  readonly signal: AbortSignal;
}

/** Exports a stretch; gives one file or, where one can't hold it, several, each with its proof. */
export function exportRange(request: ExportRequest): Promise<readonly ExportedFile[]> {
  const { session, camera, rendition, fromMs, toMs, onProgress } = request;
  const signal = AbortSignal.any([request.signal, session.signal]);
  const worker = new Worker(trustedWorkerUrl(workerUrl), { type: "module" });
  const exported = new Promise<readonly ExportedFile[]>((give, refuse) => {
    worker.addEventListener("message", ({ data }: MessageEvent<ExportAnswer>) => {
      if (data.kind === "progress") onProgress(data.total === 0 ? 1 : data.arrived / data.total);
      else if (data.kind === "done") give(data.files);
      else if (data.kind === "signed-out") session.client.signedOut();
      else refuse(new ExportFailed(data.problem));
    });
    const failed: ExportProblem = { code: "failed", type: null, atMs: null };
    worker.addEventListener("error", () => refuse(new ExportFailed(failed)));
    signal.addEventListener("abort", () => refuse(signal.reason), { once: true });
    const stream = { camera: camera.id, rendition };
    const { vault, client } = session;
    const order: ExportOrder = { vault, client: client.seed, stream, fromMs, toMs };
    if (signal.aborted) refuse(signal.reason);
    else worker.postMessage(order);
  });
  return exported.finally(() => worker.terminate());
}
