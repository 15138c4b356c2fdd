import type { Channel } from "./channels/channel.ts";
import type { Config } from "./config.ts";
import { createConsole, type ConsoleOptions } from "./console/console.ts";
import { storyOf } from "./control/story.ts";
import type { Store } from "./store/store.ts";
import type { Checkpoint } from "./turns/checkpoint.ts";
import { askStop } from "./turns/stop.ts";
import type { TurnRunner } from "./turns/turn.ts";

export interface HostConsoleOptions extends Pick<ConsoleOptions, "clock"> {
  store: Store;
  config: Config;
  facts: { startedAt: number };
  checkpoint(point: Checkpoint): void;
}

/** The chat's console, on the parts of this host. */
export function hostConsole(
  options: HostConsoleOptions,
  end: TurnRunner["end"],
  channels: () => readonly Channel[],
): ReturnType<typeof createConsole> {
  const { store, clock, config, facts, checkpoint } = options;
  return createConsole({
    ...{ store, clock, zone: config.zone },
    assistantName: config.settings.ASSISTANT_NAME,
    startedAt: facts.startedAt,
    channels: () => channels().map(({ name, state, owns }) => ({ name, since: null, ...state(), owns })),
    askStop: (where, now) => askStop(store, where, now),
    end: (turn) => {
      checkpoint("after-command");
      end(turn, "stopped");
    },
    storyOf: (message) => storyOf(store, message, config.zone),
  });
}
