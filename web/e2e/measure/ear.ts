// Listens to what the page gives to the loudspeaker: when the synthetic camera's tone begins, which it does with every second
// of the camera's clock, and whether the sound ever leaps as no tone does. Installed by [`listen`]; runs in the page.

import type { BrowserContext, Page } from "playwright-core";

/** What was heard. */
export interface Heard {
  /** For each tone: milliseconds from the camera's second to the ear, the loudspeaker's own delay included. */
  readonly delays: readonly number[];
  /** Places where the sound leaps further than the tone can. */
  readonly clicks: number;
  /** The height of the loudest sample. */
  readonly loudest: number;
  /** The delay of this machine's loudspeaker as the browser tells it, in milliseconds. */
  readonly outputMs: number;
}

interface Ear {
  /** The seconds that were heard, each with what was found in turn. */
  seconds: Map<number, number[]>;
  leaps: Set<number>;
  loudest: number;
  outputMs: number;
}

interface Listening {
  ear: Ear;
}

/** Runs in each page before its own scripts. */
function install(lateMs: number | undefined): void {
  const ear: Ear = { seconds: new Map(), leaps: new Set(), loudest: 0, outputMs: 0 };
  (globalThis as unknown as Listening).ear = ear;
  // The tone is 440 Hz at a fifth of full scale: from sample to sample it never goes as far as `leap`.
  const [threshold, leap, quietS] = [0.01, 0.04, 0.2];
  const note = (context: AudioContext, samples: Float32Array): void => {
    const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
    const now = context.currentTime;
    const timeOf = (at: number): number => now - (samples.length - at) / context.sampleRate;
    let quiet = 0;
    for (const [at, sample] of samples.entries()) {
      ear.loudest = Math.max(ear.loudest, Math.abs(sample));
      if (Math.abs(sample - (samples[at - 1] ?? sample)) > leap) {
        ear.leaps.add(Math.round(timeOf(at) * 20));
      }
      if (Math.abs(sample) > threshold && quiet > quietS * context.sampleRate) {
        const wall = performance.timeOrigin + performanceTime + (timeOf(at) - contextTime) * 1_000;
        // Sound does not come before its second, and not so late as to be taken for the next.
        const second = Math.floor((wall + 100) / 1_000);
        ear.seconds.set(second, [...(ear.seconds.get(second) ?? []), wall - second * 1_000]);
      }
      quiet = Math.abs(sample) > threshold ? 0 : quiet + 1;
    }
    ear.outputMs = context.outputLatency * 1_000;
  };
  if (lateMs !== undefined) {
    const get = (): number => lateMs / 1_000;
    Object.defineProperty(AudioContext.prototype, "outputLatency", { get });
  }
  const { connect } = AudioNode.prototype;
  const tap = (node: AudioNode): void => {
    const context = node.context as AudioContext;
    const analyser = new AnalyserNode(context, { fftSize: 32_768 });
    Reflect.apply(connect, node, [analyser]);
    const samples = new Float32Array(analyser.fftSize);
    setInterval(() => {
      if (context.state === "running") {
        analyser.getFloatTimeDomainData(samples);
        note(context, samples);
      }
    }, 50);
  };
  AudioNode.prototype.connect = function (this: AudioNode, ...words: unknown[]) {
    if (words[0] instanceof AudioDestinationNode) {
      tap(this);
    }
    return Reflect.apply(connect, this, words);
  } as typeof connect;
}

/** Begins to listen in every page of `context` that is opened from now on; its loudspeaker may claim to be `lateMs` late. */
export async function listen(context: BrowserContext, lateMs?: number): Promise<void> {
  await context.addInitScript(`(${install})(${lateMs});`);
}

/** Forgets what was heard before. */
export async function listenAnew(page: Page): Promise<void> {
  await page.evaluate(() => {
    const { ear } = globalThis as unknown as Listening;
    ear.seconds.clear();
    ear.leaps.clear();
    ear.loudest = 0;
  });
}

/** What was heard since. */
export async function heard(page: Page): Promise<Heard> {
  const { found, ...rest } = await page.evaluate(() => {
    const { ear } = globalThis as unknown as Listening;
    return {
      found: [...ear.seconds.values()],
      clicks: ear.leaps.size,
      loudest: ear.loudest,
      outputMs: ear.outputMs,
    };
  });
  // A tone is found several times: the page's view of the sound's clock moves in steps.
  const middle = (values: number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return { delays: found.map(middle), ...rest };
}
