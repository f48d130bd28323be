// The page's half of sound: an `AudioContext` with the worklet in it, made by the click that turns sound on. One
// tile sounds at a time.

import workletUrl from "../media/sound.worklet.ts?worker&url";
import { trustedWorkerUrl } from "../ui/trusted.ts";

/** Delay from the worklet to the ear where the browser does not tell, in milliseconds. */
const USUAL_LATENCY_MS = 20;

export class PageSpeaker {
  #context: AudioContext | null = null;
  #node: Promise<AudioWorkletNode> | null = null;

  /** Must be called by a click or key. Gives the port for the worker, and the delay behind it. */
  async open(): Promise<{ port: MessagePort; latencyMs: number }> {
    this.#context ??= new AudioContext({ latencyHint: "interactive" });
    const context = this.#context;
    // A machine without a loudspeaker never answers: nobody waits for it.
    context.resume().catch(() => undefined);
    this.#node ??= load(context);
    const node = await this.#node;
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage({ port: port1 }, [port1]);
    const seconds = context.outputLatency || context.baseLatency;
    return { port: port2, latencyMs: seconds ? seconds * 1_000 : USUAL_LATENCY_MS };
  }

  /** Silence. The context stays for the next time. */
  mute(): void {
    void this.#context?.suspend();
  }

  close(): void {
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
