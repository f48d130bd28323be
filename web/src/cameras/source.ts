// From what a person knows of a camera (maker, host, user, password) to the address that the gateway takes. User name
// and password are encoded into the address here and nowhere else; an address that is pasted with them is taken apart.

import type { SourceSettings } from "../api/documents.ts";
import type { Fingerprint } from "../domain/id.ts";
import { idOf } from "../domain/id.ts";

/** A maker's usual addresses; `HOST` stands for the camera's name or IP address. */
interface Maker {
  readonly label: string;
  readonly main: string;
  readonly sub?: string;
}

/** Addresses as the makers document them. */
export const MAKERS = {
  axis: {
    label: "Axis",
    main: "rtsp://HOST/axis-media/media.amp",
    sub: "rtsp://HOST/axis-media/media.amp?resolution=640x360",
  },
  dahua: {
    label: "Dahua, Amcrest, Lorex, IMOU",
    main: "rtsp://HOST/cam/realmonitor?channel=1&subtype=0",
    sub: "rtsp://HOST/cam/realmonitor?channel=1&subtype=1",
  },
  foscam: { label: "Foscam", main: "rtsp://HOST:88/videoMain", sub: "rtsp://HOST:88/videoSub" },
  hanwha: {
    label: "Hanwha, Wisenet",
    main: "rtsp://HOST/profile2/media.smp",
    sub: "rtsp://HOST/profile3/media.smp",
  },
  hikvision: {
    label: "Hikvision, Annke, HiLook",
    main: "rtsp://HOST/Streaming/Channels/101",
    sub: "rtsp://HOST/Streaming/Channels/102",
  },
  reolink: {
    label: "Reolink",
    main: "rtsp://HOST/h264Preview_01_main",
    sub: "rtsp://HOST/h264Preview_01_sub",
  },
  tplink: {
    label: "TP-Link Tapo, VIGI",
    main: "rtsp://HOST/stream1",
    sub: "rtsp://HOST/stream2",
  },
  vivotek: { label: "Vivotek", main: "rtsp://HOST/live.sdp", sub: "rtsp://HOST/live2.sdp" },
} as const satisfies { readonly [name: string]: Maker };

/** A maker, any other camera by its address, or the gateway's own test picture. */
export type Kind = keyof typeof MAKERS | "address" | "synthetic";

/** What a person has entered so far. */
export interface Draft {
  kind: Kind;
  host: string;
  address: string;
  subAddress: string;
  withSub: boolean;
  user: string;
  password: string;
  transport: "tcp" | "udp";
  /** SHA-256 of the camera's certificate, as 64 hexadecimal digits in any grouping. */
  pin: string;
}

export function emptyDraft(): Draft {
  return {
    kind: "address",
    host: "",
    address: "",
    subAddress: "",
    withSub: true,
    user: "",
    password: "",
    transport: "tcp",
    pin: "",
  };
}

/** Fields that can be wrong. */
export type Wrong = "host" | "address" | "subAddress" | "pin";

/** The sources of a draft, or which fields are wrong. */
export type Sources =
  | { readonly main: SourceSettings; readonly sub: SourceSettings | undefined }
  | { readonly wrong: readonly Wrong[] };

export function sourcesOf(draft: Draft): Sources {
  if (draft.kind === "synthetic") return { main: { url: "synthetic:" }, sub: undefined };
  const { main, sub } = addressesOf(draft);
  const wrong: Wrong[] = [];
  if (draft.kind !== "address" && !isHost(draft.host)) wrong.push("host");
  else if (!isAddress(main)) wrong.push("address");
  if (sub !== "" && !wrong.includes("host") && !isAddress(sub)) wrong.push("subAddress");
  const certificate = isSecure(main) ? parsePin(draft.pin) : null;
  if (isSecure(main) && certificate === null) wrong.push("pin");
  if (wrong.length > 0) return { wrong };
  const make = (address: string): SourceSettings => ({
    url: withCredentials(address, draft.user, draft.password),
    transport: draft.transport,
    ...(certificate !== null && isSecure(address) ? { certificate } : {}),
  });
  return { main: make(main), sub: sub === "" ? undefined : make(sub) };
}

/** A small test picture, for trying things out. */
const SYNTHETIC_SMALL = "synthetic:?width=640&height=360";

/** The source of a small stream alone, or which fields are wrong: a maker's small one, else what was entered as address. */
export function smallSourceOf(
  draft: Draft,
): { readonly sub: SourceSettings } | { readonly wrong: readonly Wrong[] } {
  if (draft.kind === "synthetic") return { sub: { url: SYNTHETIC_SMALL } };
  const given = sourcesOf({ ...draft, subAddress: "", withSub: true });
  return "wrong" in given ? given : { sub: given.sub ?? given.main };
}

/** The addresses without credentials; `sub` is empty when there is none. */
export function addressesOf(draft: Draft): { main: string; sub: string } {
  if (draft.kind === "synthetic") return { main: "", sub: "" };
  if (draft.kind === "address") {
    return { main: draft.address.trim(), sub: draft.subAddress.trim() };
  }
  const maker: Maker = MAKERS[draft.kind];
  const host = draft.host.trim() || "HOST";
  const put = (address: string): string => address.replace("HOST", () => host);
  return { main: put(maker.main), sub: draft.withSub ? put(maker.sub ?? "") : "" };
}

/** Whether it is RTSP within TLS, which needs the certificate's fingerprint. */
export function isSecure(address: string): boolean {
  return /^rtsps:/i.test(address.trim());
}

function isAddress(address: string): boolean {
  return /^rtsps?:\/\/[^\s/?]+/i.test(address) && address.length <= 2_048;
}

/** A name, an IPv4 address or an IPv6 address in brackets, with a port or without. */
function isHost(host: string): boolean {
  return /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i.test(host.trim());
}

/** Takes user name and password out of an address that was pasted with them. */
export function splitCredentials(address: string): {
  address: string;
  user?: string;
  password?: string;
} {
  const match = /^(\s*rtsps?:\/\/)([^/?]*)@(.*)$/is.exec(address);
  if (match === null) return { address };
  const [, scheme = "", info = "", rest = ""] = match;
  const colon = info.indexOf(":");
  const [user, password] = colon < 0 ? [info, ""] : [info.slice(0, colon), info.slice(colon + 1)];
  return { address: `${scheme}${rest}`, user: decode(user), password: decode(password) };
}

/** Puts them in, so that no character of theirs can be taken for a part of the address. */
export function withCredentials(address: string, user: string, password: string): string {
  if (user === "" && password === "") return address;
  const info = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  return address.replace(/^(rtsps?:\/\/)/i, (scheme) => `${scheme}${info}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads `AB:CD:…` or 64 digits in a row. */
export function parsePin(text: string): Fingerprint | null {
  const digits = text.replace(/[\s:]/g, "");
  if (!/^[0-9a-f]{64}$/i.test(digits)) return null;
  const pairs = digits.match(/../g) ?? [];
  return idOf<Fingerprint>(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
}
