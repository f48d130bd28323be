// A virtual authenticator of the browser (WebAuthn over CDP): a phone's own passkeys without a phone. Chromium only.

import type { CDPSession, Page } from "playwright-core";

export interface Kind {
  /** Whether it derives secrets (WebAuthn §10.1.4, the PRF extension). */
  readonly prf: boolean;
}

/** A stored passkey as CDP tells it. */
export type StoredPasskey = Awaited<ReturnType<Authenticator["passkeys"]>>[number];

export class Authenticator {
  readonly #session: CDPSession;
  readonly #id: string;

  private constructor(session: CDPSession, id: string) {
    this.#session = session;
    this.#id = id;
  }

  /** Puts one into `page`. Its user is there and verified until told otherwise. */
  static async plug(page: Page, kind: Kind): Promise<Authenticator> {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        hasPrf: kind.prf,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Authenticator(session, authenticatorId);
  }

  /** Whether the person's finger or face is recognised. */
  async recognises(verified: boolean): Promise<void> {
    const authenticatorId = this.#id;
    await this.#session.send("WebAuthn.setUserVerified", {
      authenticatorId,
      isUserVerified: verified,
    });
  }

  async passkeys() {
    const authenticatorId = this.#id;
    const { credentials } = await this.#session.send("WebAuthn.getCredentials", {
      authenticatorId,
    });
    return credentials;
  }

  /** Takes a passkey over from another authenticator, as a password manager does between devices. */
  async take(credential: StoredPasskey): Promise<void> {
    const authenticatorId = this.#id;
    await this.#session.send("WebAuthn.addCredential", { authenticatorId, credential });
  }

  /** Forgets every passkey, as a lost phone. */
  async clear(): Promise<void> {
    await this.#session.send("WebAuthn.clearCredentials", { authenticatorId: this.#id });
  }
}
