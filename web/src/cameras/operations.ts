// What managing cameras does: each addition and removal is a roster statement that this member's identity signs, sent
// together with what the gateway has to know. No views here.

import type { Unlocked } from "../account/session.ts";
import { toBase64Url } from "../api/base64.ts";
import type {
  Camera,
  CameraPatch,
  CameraRequest,
  ProbeReport,
  Rendition,
  Retention,
  SourceSettings,
} from "../api/documents.ts";
import type { CameraId } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** A camera that is to be added. */
export interface NewCamera {
  readonly name: string;
  readonly main: SourceSettings;
  readonly sub?: SourceSettings | undefined;
  readonly retention?: Retention | undefined;
}

/** The cameras that this member may see, by name. */
export async function listCameras(
  session: Unlocked,
  signal?: AbortSignal,
): Promise<readonly Camera[]> {
  const cameras = await session.client.get<readonly Camera[]>("/cameras", signal);
  return cameras.toSorted((a, b) => byName.compare(a.name, b.name) || (a.id < b.id ? -1 : 1));
}

/** Signs the camera onto the roster and tells the gateway where it is. */
export async function addCamera(session: Unlocked, camera: NewCamera): Promise<Camera> {
  const id = idOf<CameraId>(crypto.getRandomValues(new Uint8Array(16)));
  const [sealer] = session.history().current.sealers.values();
  if (sealer === undefined) throw new TypeError("a claimed site has a sealer");
  const operation = { kind: "add-camera", camera: id, sealer: sealer.id } as const;
  return await session.submit(operation, (statement) => {
    const { name, main, sub, retention } = camera;
    const body: CameraRequest = {
      statement: toBase64Url(statement),
      name,
      main,
      ...(sub === undefined ? {} : { sub }),
      ...(retention === undefined ? {} : { retention }),
    };
    return session.client.send<Camera>("POST", "/cameras", body);
  });
}

/** Signs the camera off the roster: nothing more is recorded. */
export async function removeCamera(session: Unlocked, camera: CameraId): Promise<void> {
  await session.submit({ kind: "remove-camera", camera }, (statement) =>
    session.client.send("DELETE", `/cameras/${camera}`, { statement: toBase64Url(statement) }),
  );
}

/** Changes what the gateway knows of a camera; what is absent stays. */
export async function changeCamera(
  session: Unlocked,
  camera: CameraId,
  patch: CameraPatch,
): Promise<Camera> {
  return await session.client.send<Camera>("PATCH", `/cameras/${camera}`, patch);
}

/** Connects to a source and measures what it sends. Takes up to half a minute. */
export async function probe(
  session: Unlocked,
  source: SourceSettings,
  signal?: AbortSignal,
): Promise<ProbeReport> {
  return await session.client.send<ProbeReport>("POST", "/cameras/test", { source }, signal);
}

/** Measures what a stored source sends; its address stays with the gateway. */
export async function probeStored(
  session: Unlocked,
  camera: CameraId,
  rendition: Rendition,
): Promise<ProbeReport> {
  return await session.client.send<ProbeReport>(
    "POST",
    `/cameras/${camera}/test?rendition=${rendition}`,
  );
}

/** One camera. */
export async function getCamera(
  session: Unlocked,
  camera: CameraId,
  signal?: AbortSignal,
): Promise<Camera> {
  return await session.client.get<Camera>(`/cameras/${camera}`, signal);
}
