// The page's half of sound: an `AudioContext` with the worklet in it, made by the click that turns sound on. One
// camera sounds at a time.

import { trustedWorkerUrl } from "../ui/trusted.ts";
import type { SoundLink } from "./sound.worklet.ts";
import workletUrl from "./sound.worklet.ts?worker&url";

/** Delay from the worklet to the ear where the browser does not tell, in milliseconds. */
const USUAL_LATENCY_MS = 20;

/** How often it is looked at: headphones come and go. */
const LOOK_MS = 500;

/** Time for the sound to fade before the context stops, in milliseconds. */
const FADE_MS = 100;

export class PageSpeaker {
  #context: AudioContext | null = null;
  #node: Promise<AudioWorkletNode> | null = null;
  #looking: ReturnType<typeof setInterval> | undefined;
  #muting: ReturnType<typeof setTimeout> | undefined;

  /** Must be called by a click or key. Gives the port for the worker. */
  async open(): Promise<MessagePort> {
    clearTimeout(this.#muting);
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    const context = this.#context;
    // A machine without a loudspeaker never answers: nobody waits for it.
    context.resume().catch(() => undefined);
    this.#node ??= load(context);
    const node = await this.#node;
    const { port1, port2 } = new MessageChannel();
    send(node, { kind: "port", port: port1 }, [port1]);
    tellLatency(context, node);
    clearInterval(this.#looking);
    this.#looking = setInterval(() => tellLatency(context, node), LOOK_MS);
    return port2;
  }

  /** Silence, once what closes the port has faded. The context stays for the next time. */
  mute(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#muting);
    this.#muting = setTimeout(() => void this.#context?.suspend(), FADE_MS);
  }

  close(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#muting);
    void this.#context?.close();
    this.#context = null;
    this.#node = null;
  }
}

async function load(context: AudioContext): Promise<AudioWorkletNode> {
  await context.audioWorklet.addModule(trustedWorkerUrl(workletUrl));
  const options = { numberOfInputs: 0, outputChannelCount: [2] };
  const node = new AudioWorkletNode(context, "bartizan-speaker", options);
  node.connect(context.destination);
  return node;
}

function tellLatency(context: AudioContext, node: AudioWorkletNode): void {
  const seconds = context.outputLatency || context.baseLatency;
  send(node, { kind: "latency", ms: seconds ? seconds * 1_000 : USUAL_LATENCY_MS });
}

function send(node: AudioWorkletNode, link: SoundLink, transfer: Transferable[] = []): void {
  node.port.postMessage(link, transfer);
}
