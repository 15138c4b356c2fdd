/** What is known about why containers cannot be had. */
export interface EngineFacts {
  platform: NodeJS.Platform;
  /** `/etc/os-release`; empty where there is none. */
  release: string;
  /** The engine's client, as the settings name it. */
  client: string;
  problem: "no-client" | "not-started" | "not-permitted";
  /** The person is in the group `docker`, but this login does not know yet. */
  isNewMember: boolean;
  programs: { colima: boolean; podman: boolean };
}

export interface EngineAdvice {
  what: string;
  /** To be run by the person, in this order; never by us. */
  commands: string[];
  then?: string;
}

/** How a container engine is had on this system. */
export function adviseEngine(facts: EngineFacts): EngineAdvice {
  const { client, problem, platform } = facts;
  if (client.endsWith("podman")) return advisePodman(facts);
  switch (problem) {
    case "no-client":
      return platform === "darwin" ? installOnMac : installOnLinux(facts);
    case "not-permitted":
      return permit(facts);
    case "not-started":
      return start(facts);
    default:
      return problem satisfies never;
  }
}

const installOnMac: EngineAdvice = {
  what: "Docker is not installed. Either Docker Desktop (with a window), or colima (without one):",
  commands: ["brew install --cask docker && open -a Docker", "brew install colima docker && colima start"],
  then: "One of the two is enough. Docker Desktop is also at https://www.docker.com/products/docker-desktop.",
};

const join = 'sudo usermod -aG docker "$USER"';
const relogin = "Then log out and in again, so that this user may use it (or, for this terminal alone: newgrp docker).";
const systemd = "sudo systemctl enable --now docker";

/** By the package manager of the distribution's family. */
const families: readonly [RegExp, string[]][] = [
  [/^(debian|ubuntu|raspbian|linuxmint|pop)$/, ["sudo apt-get install docker.io", systemd]],
  [/^(fedora|amzn)$/, ["sudo dnf install docker", systemd]],
  [/^(arch|manjaro|endeavouros)$/, ["sudo pacman -S docker", systemd]],
  [/^(opensuse.*|suse|sles)$/, ["sudo zypper install docker", systemd]],
  [/^alpine$/, ["sudo apk add docker", "sudo rc-update add docker default", "sudo rc-service docker start"]],
];

/** What they call docker is podman under that name: there is no such service. */
const redHat = /^(rhel|centos|rocky|almalinux|ol)$/;

const installOnRedHat: EngineAdvice = {
  what: "Docker is not installed, and this system's own packages have podman alone: https://docs.docker.com/engine/install/centos tells how it is had. Then:",
  commands: [systemd, join],
  then: `${relogin}\nOr podman instead: sudo dnf install podman, and NANOCLAW_DOCKER=podman in .env.`,
};

function installOnLinux({ release }: EngineFacts): EngineAdvice {
  const names = [...valuesOf(release, "ID"), ...valuesOf(release, "ID_LIKE")];
  if (names.some((name) => redHat.test(name))) return installOnRedHat;
  const commands = names.map((name) => families.find(([pattern]) => pattern.test(name))?.[1]).find(Boolean);
  if (commands) return { what: "Docker is not installed.", commands: [...commands, join], then: relogin };
  return {
    what: "Docker is not installed, and how this system installs programs is not known here: https://docs.docker.com/engine/install tells.",
    commands: [join],
    then: relogin,
  };
}

/** `ID_LIKE="ubuntu debian"` */
function valuesOf(release: string, key: string): string[] {
  const [, value = ""] = new RegExp(`^${key}=(.*)$`, "m").exec(release) ?? [];
  return value.replaceAll(/["']/g, "").split(/\s+/).filter(Boolean);
}

function permit({ isNewMember, client }: EngineFacts): EngineAdvice {
  if (isNewMember) {
    const what = "Docker runs, and you are in the group docker, but this login is older than that.";
    return { what, commands: ["newgrp docker"], then: "Or log out and in again; then run this command once more." };
  }
  const what = `${client} runs, but this user may not use it. Whoever may use it is as powerful as root.`;
  return { what, commands: [join], then: relogin };
}

function start({ platform, programs, release, client }: EngineFacts): EngineAdvice {
  const what = `${client} is installed, but its engine does not answer.`;
  if (platform === "darwin") {
    return { what, commands: [programs.colima ? "colima start" : "open -a Docker"], then: "It takes half a minute." };
  }
  const isAlpine = valuesOf(release, "ID").includes("alpine");
  return { what, commands: [isAlpine ? "sudo rc-service docker start" : systemd] };
}

function advisePodman({ problem, platform, client }: EngineFacts): EngineAdvice {
  if (problem === "no-client") {
    const what = `${client} is not installed (NANOCLAW_DOCKER names it).`;
    return { what, commands: [platform === "darwin" ? "brew install podman" : "sudo apt-get install podman"] };
  }
  const what = `${client} does not work; it says why with the first command.`;
  return { what, commands: [`${client} info`, ...(platform === "darwin" ? [`${client} machine start`] : [])] };
}
