import type { BinaryNode } from "baileys";
import { type Faults, noFaults } from "./faults.ts";
import type { Envelope } from "./mailbox.ts";
import type { Arrival, Posted } from "./messages.ts";
import type { Group, LinkedDevice, Person } from "./people.ts";
import { createWaiting, type Waiting } from "./waiting.ts";

/** What all parts of the server share. */
export interface World {
  readonly people: Person[];
  readonly groups: Group[];
  readonly faults: Faults;
  readonly posted: Posted[];
  readonly arrivals: Arrival[];
  /** Acknowledgements that wait to be let go. */
  readonly held: (() => void)[];
  now(): number;
  /** Something happened that somebody may wait for. */
  changed(): void;
  /** One after the other: what is encrypted first is also sent first. */
  inOrder<T>(work: () => Promise<T>): Promise<T>;
}

export const seconds = (milliseconds: number): string => String(Math.floor(milliseconds / 1000));

/** Waits in the device's mailbox; goes out at once when the device is there. */
export function dispatch(world: World, device: LinkedDevice, node: BinaryNode): Envelope {
  const envelope = device.mailbox.put(node);
  transmit(device, envelope);
  world.changed();
  return envelope;
}

export function transmit(device: LinkedDevice, envelope: Envelope): void {
  if (!device.online) return;
  envelope.deliveries += 1;
  device.connection?.send(envelope.node);
}

export function createWorld(): { world: World; until: Waiting["until"] } {
  const { changed, until } = createWaiting();
  let last: Promise<unknown> = Promise.resolve();
  const world: World = {
    ...{ people: [], groups: [], posted: [], arrivals: [], held: [], faults: noFaults(), now: Date.now, changed },
    inOrder: (work) => {
      const done = last.then(work);
      last = done.catch(() => undefined);
      return done;
    },
  };
  return { world, until };
}
