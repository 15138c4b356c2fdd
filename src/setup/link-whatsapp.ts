import type { Say } from "../cli/auth-display.ts";
import { waitForHost } from "../cli/auth-host.ts";
import { named } from "../cli/auth-words.ts";
import { findWhatsAppHost } from "../cli/whatsapp-host.ts";
import { homePaths } from "../home.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup } from "./step.ts";

/**
 * Links as `auth` does, beside a host that runs.
 * @throws {CommandError} that says why not.
 */
export async function linkWhatsApp(setup: Setup, number: string | undefined): Promise<Outcome> {
  const { terminal, ui } = setup;
  const config = setup.config();
  const say: Say = (type, lines, facts) => ui.event("whatsapp", type, lines, facts);
  const host = await findWhatsAppHost(config);
  const channel = await host?.whatsApp();
  if (host && channel) await host.release();
  // Loading WhatsApp's client takes longer than most steps.
  const { linkHere } = await import("../cli/auth-link.ts");
  const { account, type } = await linkHere({
    ...{ config, terminal, say, number, force: false, json: setup.answers.json },
    folder: homePaths(config.home).auth,
  });
  if (host && channel) await waitForHost(host, say, terminal.interrupted);
  return {
    status: "done",
    detail: type === "kept" ? `the link works: ${named(account)}` : `linked as ${named(account)}`,
  };
}
