import { randomUUID } from "node:crypto";
import type { BinaryNode } from "baileys";
import { element } from "./nodes.ts";
import { addressOf, type Group, type Person, type Role } from "./people.ts";
import { dispatch, seconds, type World } from "./world.ts";

export type GroupChange =
  | { kind: "subject"; subject: string }
  | { kind: "add" | "remove" | "promote" | "demote"; person: Person }
  | { kind: "announcement" | "not_announcement" };

const ROLES: Record<"add" | "promote" | "demote", Role> = { add: "member", promote: "admin", demote: "member" };

/** A member changes the group; everybody's linked devices are told, also those of one who is removed. */
export function changeGroup(world: World, group: Group, by: Person, change: GroupChange): void {
  const told = new Set(group.members.keys());
  apply(group, change);
  for (const member of group.members.keys()) told.add(member);
  const common = { from: group.jid, type: "w:gp2", id: randomUUID(), t: seconds(world.now()), notify: by.name };
  const actor = { participant: addressOf(by, group.addressing), addressing_mode: group.addressing };
  const pn = group.addressing === "lid" ? { participant_pn: by.pn } : {};
  const node = element("notification", { ...common, ...actor, ...pn }, [changeElement(world, group, by, change)]);
  for (const device of [...told].flatMap(({ devices }) => devices)) dispatch(world, device, node);
}

function apply(group: Group, change: GroupChange): void {
  switch (change.kind) {
    case "subject":
      group.subject = change.subject;
      break;
    case "remove":
      group.members.delete(change.person);
      // Who left must not read on.
      group.senderKeys.clear();
      break;
    case "add":
    case "promote":
    case "demote":
      group.members.set(change.person, ROLES[change.kind]);
      break;
    case "announcement":
    case "not_announcement":
      group.announceOnly = change.kind === "announcement";
      break;
  }
}

function changeElement(world: World, group: Group, by: Person, change: GroupChange): BinaryNode {
  switch (change.kind) {
    case "subject": {
      const attrs = { subject: change.subject, s_t: seconds(world.now()), s_o: addressOf(by, group.addressing) };
      return element("subject", attrs);
    }
    case "announcement":
    case "not_announcement":
      return element(change.kind);
    case "add":
    case "remove":
    case "promote":
    case "demote":
      return element(change.kind, {}, [participant(group, change.person)]);
  }
}

function participant(group: Group, person: Person, role: Role = "member"): BinaryNode {
  const type = role === "member" ? undefined : role;
  const other = group.addressing === "lid" ? { phone_number: person.pn } : { lid: person.lid };
  return element("participant", { jid: addressOf(person, group.addressing), ...other, type });
}

export function groupElement(group: Group): BinaryNode {
  const { jid, subject, addressing, creator, created, members, description, announceOnly } = group;
  const owner = addressOf(creator, addressing);
  const at = seconds(created);
  const attrs = { id: jid, subject, creator: owner, creation: at, s_o: owner, s_t: at, addressing_mode: addressing };
  const body = description === undefined ? [] : [element("body", {}, Buffer.from(description))];
  return element("group", { ...attrs, size: String(members.size) }, [
    ...(body.length > 0 ? [element("description", { id: "1", t: at, participant: owner }, body)] : []),
    ...(announceOnly ? [element("announcement")] : []),
    ...[...members].map(([person, role]) => participant(group, person, role)),
  ]);
}
