import { describeLeaks } from "../system/kiro-leak-campaign.ts";
import { API_KEY } from "../system/kiro-site.ts";
import { describeContainers } from "./engine.ts";
import { loggedIn, openKiro, V1, V2, type KiroOptions } from "./kiro-kit.ts";

/** Of each campaign; the gate sets more. */
const turns = Number(process.env["LEAK_TURNS"] ?? 6);

const versions = [
  ["V1", V1],
  ["V2", V2],
] as const;

await describeContainers("two groups in containers", (engine) => {
  // A restart waits for the turns that run: one that is cut off would be another test.
  const open = ({ settings, ...options }: KiroOptions) => {
    return () => openKiro(engine, { ...options, settings: { ...settings, NANOCLAW_STOP_BUDGET: "60000" } });
  };
  for (const [name, standIn] of versions) {
    const withKey = { standIn, settings: { KIRO_API_KEY: API_KEY } };
    describeLeaks(`${name} in containers, with a key`, { turns, open: open(withKey) });

    const sharing = { turns, open: open({ standIn, ...loggedIn }), settings: { shareLogin: true } };
    describeLeaks(`${name} in containers, with a login that is shared`, sharing);

    const wholeHome = { standIn, ...loggedIn, settings: { NANOCLAW_KIRO_SHARED_HOME: "true" } };
    const one = { turns, open: open(wholeHome), remembers: standIn === V2 };
    describeLeaks(`${name} in containers, with the person's whole home`, one);
  }
});
