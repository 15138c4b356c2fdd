import { describe, expect, test } from "vitest";
import { adviseEngine, type EngineFacts } from "./engine-advice.ts";

const facts = (changes: Partial<EngineFacts> = {}): EngineFacts => ({
  ...{ platform: "linux", release: "ID=debian\n", client: "docker", problem: "no-client", isNewMember: false },
  programs: { colima: false, podman: false },
  ...changes,
});

describe("how a container engine is had", () => {
  test.for([
    ["ID=debian\n", "sudo apt-get install docker.io"],
    ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt-get install docker.io"],
    ["ID=zorin\nID_LIKE='ubuntu'\n", "sudo apt-get install docker.io"],
    ["ID=fedora\n", "sudo dnf install docker"],
    ['ID="amzn"\nID_LIKE="fedora"\n', "sudo dnf install docker"],
    ["ID=arch\n", "sudo pacman -S docker"],
    ['ID="opensuse-tumbleweed"\n', "sudo zypper install docker"],
    ["ID=alpine\n", "sudo apk add docker"],
  ] as const)("%j: by the package manager of that system", ([release, command]) => {
    const advice = adviseEngine(facts({ release }));
    expect(advice.commands[0]).toBe(command);
    expect(advice.commands.at(-1)).toBe('sudo usermod -aG docker "$USER"');
    expect(advice.then).toContain("log out and in again");
  });

  test.for([
    'ID="rhel"\nID_LIKE="fedora"\n',
    'ID="rocky"\nID_LIKE="rhel centos fedora"\n',
    'ID="ol"\nID_LIKE="fedora"\n',
  ])("%j: its docker is podman, so Docker's own page, or podman", (release) => {
    const advice = adviseEngine(facts({ release }));
    expect(advice.what).toContain("https://docs.docker.com/engine/install/centos");
    expect(advice.commands.join()).not.toContain("dnf install docker");
    expect(advice.then).toContain("NANOCLAW_DOCKER=podman");
  });

  test("on a system that is not known: where it is told", () => {
    expect(adviseEngine(facts({ release: "" })).what).toContain("https://docs.docker.com/engine/install");
  });

  test("on a Mac: Docker Desktop or colima, and what starts the one that is there", () => {
    expect(adviseEngine(facts({ platform: "darwin", release: "" })).commands).toEqual([
      "brew install --cask docker && open -a Docker",
      "brew install colima docker && colima start",
    ]);
    const down = facts({ platform: "darwin", problem: "not-started" });
    expect(adviseEngine(down).commands).toEqual(["open -a Docker"]);
    expect(adviseEngine({ ...down, programs: { colima: true, podman: false } }).commands).toEqual(["colima start"]);
  });

  test("one that runs but is not for this user: the group, and that a new member has to log in again", () => {
    const denied = facts({ problem: "not-permitted" });
    expect(adviseEngine(denied).commands).toEqual(['sudo usermod -aG docker "$USER"']);
    expect(adviseEngine({ ...denied, isNewMember: true }).commands).toEqual(["newgrp docker"]);
  });

  test("podman says itself what is wrong with it", () => {
    expect(adviseEngine(facts({ client: "podman", problem: "not-started" })).commands).toEqual(["podman info"]);
    expect(adviseEngine(facts({ client: "podman" })).commands).toEqual(["sudo apt-get install podman"]);
  });
});
