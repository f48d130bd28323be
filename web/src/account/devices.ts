// Devices of the member: list, names and removal by signed statements, invitations for new ones (which ask for the owner anew); and
// tidying up after this browser's former entries on the roster.

import { toBase64Url } from "../api/base64.ts";
import type { Device, Devices, Invited, Passkey } from "../api/documents.ts";
import { ascii, sha256 } from "../domain/bytes.ts";
import type { DeviceId } from "../domain/id.ts";
import { relockKeystore } from "../identity/keystore.ts";
import { confirmOwner } from "./confirm.ts";
import type { Environment } from "./environment.ts";
import { invitationLink } from "./link.ts";
import { invitationKey } from "./locks.ts";
import { parseName } from "./name.ts";
import type { OpenSession } from "./open-session.ts";
import { listPasskeys } from "./passkeys.ts";
import { forOthers, isOnlyHere } from "./reach.ts";
import type { InvitationMade } from "./state.ts";
import type { Stray } from "./store.ts";

/** The devices that the member may know of. One that was renamed is called what the roster says, whatever the gateway says. */
export async function listDevices(session: OpenSession): Promise<readonly Device[]> {
  const { devices } = await session.client.get<Devices>("/devices");
  const known = (await session.sync()).current.devices;
  return devices.map((device) => ({ ...device, name: known.get(device.id)?.name ?? device.name }));
}

/** Calls a device `text` from now on, by a statement: no gateway can call it otherwise. */
export async function renameDevice(
  session: OpenSession,
  device: DeviceId,
  text: string,
): Promise<void> {
  const name = parseName(text);
  const known = (await session.sync()).current.devices.get(device);
  if (known?.name !== name) await session.append({ kind: "rename-device", device, name });
}

/** Takes a device off the roster. */
export async function removeDevice(session: OpenSession, device: DeviceId): Promise<void> {
  await session.submit({ kind: "remove-device", device }, (statement) =>
    session.client.send<void>("DELETE", `/devices/${device}`, {
      statement: toBase64Url(statement),
    }),
  );
}

/**
 * Takes a device off the roster, and gives the passkeys that were added since it had joined: whoever had it in the hand
 * may have left one behind.
 */
export async function expelDevice(session: OpenSession, id: DeviceId): Promise<readonly Passkey[]> {
  const [devices, before] = await Promise.all([listDevices(session), listPasskeys(session)]);
  await removeDevice(session, id);
  // What it added in its last moments is in the newer list.
  const passkeys = await listPasskeys(session).catch(() => before);
  const gone = devices.find((device) => device.id === id);
  if (gone !== undefined && gone.member !== session.member) return [];
  return passkeys.filter(({ addedMs }) => addedMs >= (gone?.addedMs ?? 0));
}

/** Takes this very device off the roster if the gateway can be reached; its token ends with it. */
export async function forgetDevice(session: OpenSession): Promise<void> {
  session.client.onSignedOut = null;
  // Away or refused: what this browser keeps is removed all the same.
  await removeDevice(session, session.device).catch(() => undefined);
}

/** A link for a new device. The gateway gets the key store locked under a secret that only the link has. */
export async function invite(
  environment: Environment,
  session: OpenSession,
  origin: string,
): Promise<InvitationMade> {
  await confirmOwner(environment, session);
  const { head } = (await session.sync()).current;
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const id = await sha256(ascii("bartizan/v1/invitation-id"), secret);
  const { sealedKeystore, storeKey } = session.vault;
  const locked = await relockKeystore(sealedKeystore, storeKey, await invitationKey(secret));
  const { expiresMs, origins } = await session.client.send<Invited>("POST", "/invitations", {
    id: toBase64Url(id),
    keystore: toBase64Url(locked),
  });
  const there = forOthers(origin, origins);
  const link = invitationLink({ origin: there, secret, genesis: session.genesis, head });
  secret.fill(0);
  return { link, expiresMs, onlyHere: isOnlyHere(there) };
}

/**
 * After a sign-in: takes devices that this browser was before off the roster (`former`: the one that was stored),
 * and remembers this one until it is kept.
 */
export async function tidyUp(
  { store }: Environment,
  session: OpenSession,
  former: Stray | null,
): Promise<void> {
  const { site, device } = session;
  const known = [...(await store.strays()), ...(former === null ? [] : [former])];
  const strays = known.filter((stray) => stray.device !== device);
  const left: Stray[] = strays.filter((stray) => stray.site !== site);
  for (const stray of new Map(strays.map((stray) => [stray.device, stray])).values()) {
    if (stray.site === site && !(await isGone(session, stray.device))) left.push(stray);
  }
  await store.setStrays(session.store.kept ? left : [...left, { site, device }]);
}

/** This device is kept: it is no stray any more. */
export async function settle({ store }: Environment, { device }: OpenSession): Promise<void> {
  const strays = await store.strays();
  await store.setStrays(strays.filter((stray) => stray.device !== device));
}

async function isGone(session: OpenSession, device: DeviceId): Promise<boolean> {
  const entry = session.history().current.devices.get(device);
  if (entry?.member !== session.member) return true;
  try {
    await removeDevice(session, device);
    return true;
  } catch {
    return false; // Tried again at the next sign-in.
  }
}
