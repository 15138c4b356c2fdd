import { randomInt } from "node:crypto";
import { jidDecode } from "baileys";
import type { Connection } from "./connection.ts";
import { createMailbox, type Mailbox } from "./mailbox.ts";
import { createSenderKey, type SenderKey } from "./sender-key.ts";
import { createSignalDevice, type KeyBundle, type PreKey, type SignalDevice } from "./signal-device.ts";

export type Addressing = "lid" | "pn";

/** Somebody with a phone, which is simulated; their linked devices are real clients. */
export interface Person {
  readonly name: string;
  readonly number: string;
  readonly pn: string;
  readonly lid: string;
  readonly phone: SignalDevice;
  readonly devices: LinkedDevice[];
  /** Numbers of devices are never used twice. */
  lastDevice: number;
}

export interface LinkedDevice {
  readonly owner: Person;
  readonly number: number;
  readonly pn: string;
  readonly lid: string;
  readonly noiseKey: Buffer;
  keys: KeyBundle;
  /** One-time keys that it uploaded and nobody has used. */
  readonly stock: PreKey[];
  readonly mailbox: Mailbox;
  connection: Connection | undefined;
  /** It has got what waited for it: what comes now is live. */
  online: boolean;
  /** How often it came online. */
  logins: number;
  hadHistory: boolean;
}

export type Role = "member" | "admin" | "superadmin";

export interface Group {
  readonly jid: string;
  readonly addressing: Addressing;
  readonly creator: Person;
  readonly created: number;
  subject: string;
  description: string | undefined;
  announceOnly: boolean;
  readonly members: Map<Person, Role>;
  /** What the phones of its members encrypt with, and which linked devices can read it. */
  readonly senderKeys: Map<Person, { key: SenderKey; holders: Set<LinkedDevice> }>;
}

export type Chat = Person | Group;

export const isGroup = (chat: Chat): chat is Group => "members" in chat;

export const addressOf = (whose: Person | LinkedDevice, by: Addressing): string =>
  by === "lid" ? whose.lid : whose.pn;

export interface PersonOptions {
  name: string;
  number?: string;
}

export function createPerson({ name, number = `49151${randomInt(1e7, 1e8)}` }: PersonOptions): Person {
  const lid = `${randomInt(1e6, 1e7)}${randomInt(1e7, 1e8)}@lid`;
  return {
    ...{ name, number, lid, pn: `${number}@s.whatsapp.net` },
    ...{ phone: createSignalDevice(), devices: [], lastDevice: 0 },
  };
}

export function linkDevice(owner: Person, noiseKey: Buffer, keys: KeyBundle): LinkedDevice {
  const number = ++owner.lastDevice;
  const withDevice = (jid: string) => jid.replace("@", `:${number}@`);
  const device: LinkedDevice = {
    ...{ owner, number, noiseKey, keys, pn: withDevice(owner.pn), lid: withDevice(owner.lid) },
    ...{ stock: [], mailbox: createMailbox(), connection: undefined, online: false, logins: 0, hadHistory: false },
  };
  owner.devices.push(device);
  return device;
}

export interface GroupOptions {
  subject: string;
  /** The first one made the group. */
  members: Person[];
  admins?: Person[];
  addressing?: Addressing;
  announceOnly?: boolean;
  description?: string;
}

export function createGroup(options: GroupOptions, now: number): Group {
  const { subject, members, admins = [], addressing = "lid", announceOnly = false, description } = options;
  const [creator] = members;
  if (!creator) throw new Error("a group has members");
  const role = (person: Person): Role =>
    person === creator ? "superadmin" : admins.includes(person) ? "admin" : "member";
  return {
    jid: `1203630${randomInt(1e10, 1e11)}@g.us`,
    ...{ subject, addressing, creator, description, announceOnly, created: now, senderKeys: new Map() },
    members: new Map(members.map((person) => [person, role(person)])),
  };
}

/** The group's key of one member. */
export function senderKeyOf(group: Group, person: Person) {
  const known = group.senderKeys.get(person) ?? { key: createSenderKey(), holders: new Set<LinkedDevice>() };
  group.senderKeys.set(person, known);
  return known;
}

export function findPerson(people: readonly Person[], jid: string | undefined): Person | undefined {
  const { user, server } = (jid && jidDecode(jid)) || {};
  if (user === undefined) return undefined;
  return people.find(({ number, lid }) => (server === "lid" ? lid === `${user}@lid` : number === user));
}

/** The phone is device 0. */
export const deviceNumber = (jid: string): number => jidDecode(jid)?.device ?? 0;
