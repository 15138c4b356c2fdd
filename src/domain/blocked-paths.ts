/**
 * What is never shown to a group, whatever the allowlist says: names of files and folders, or of
 * several in a row, wherever they stand in a path. `*` and `?` stand for characters of one name.
 */
export const builtInBlocked: readonly string[] = [
  // Keys and logins.
  ...[".ssh", ".gnupg", ".gpg", ".password-store", ".pki", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"],
  ...["*.pem", "*.p12", "*.pfx", "*.ppk", "*.kdbx", "private_key*", "credentials", "credentials.*", ".credentials*"],
  ...[".secret", ".secrets", ".env*", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf"],
  ...[".git-credentials", ".config/git/credentials", ".config/gh", ".config/glab-cli", ".config/hub", ".config/op"],
  // Clouds and engines.
  ...[".aws", ".azure", ".gcloud", ".config/gcloud", ".kube", ".docker", ".terraform.d", ".oci", ".config/doctl"],
  ...[".config/containers", ".local/share/containers", ".vault-token", ".boto", ".s3cfg", ".config/rclone"],
  // Keychains and password managers.
  ...["Library/Keychains", ".local/share/keyrings", ".local/share/kwalletd", ".config/1Password", ".config/Bitwarden"],
  ...["Library/Application Support/1Password*", "Library/Application Support/Bitwarden*", "Library/Cookies"],
  // Browser profiles.
  ...[".mozilla", ".config/google-chrome*", ".config/chromium*", ".config/BraveSoftware", ".config/microsoft-edge*"],
  ...[".config/vivaldi*", ".config/opera*", "snap/firefox", "snap/chromium", ".cache/mozilla", ".librewolf"],
  ...[".var/app/org.mozilla.firefox", ".var/app/com.google.Chrome", ".var/app/org.chromium.Chromium"],
  ...["Library/Application Support/Google/Chrome*", "Library/Application Support/Chromium"],
  ...["Library/Application Support/Firefox", "Library/Application Support/BraveSoftware"],
  ...["Library/Application Support/Microsoft Edge*", "Library/Safari", "Library/Containers/com.apple.Safari"],
  // Kiro's own, and ours.
  ...[".kiro", ".local/share/kiro-cli", "Library/Application Support/kiro-cli", ".config/nanoclaw", ".nanoclaw"],
];

/** Where the system and the container engine are reached; with these goes the whole machine. */
export const systemFolders: readonly string[] = [
  ...["/", "/dev", "/proc", "/sys", "/etc", "/run", "/var", "/var/run", "/var/lib", "/var/lib/docker", "/boot"],
  ...["/private", "/private/etc", "/private/var", "/private/var/run", "/System", "/Library"],
];

/** Says of a path by which pattern it is blocked; undefined: none. Many names are asked about: it is made once. */
export function blocker(patterns: readonly string[]): (path: string) => string | undefined {
  const compiled = patterns
    .map((pattern) => ({ pattern, wanted: namesOf(pattern).map(asExpression) }))
    .filter(({ wanted }) => wanted.length > 0);
  return (path) => {
    const names = namesOf(path);
    const begins = (wanted: readonly RegExp[], at: number) =>
      wanted.every((name, offset) => name.test(names[at + offset] ?? "/"));
    return compiled.find(({ wanted }) => names.some((_, at) => begins(wanted, at)))?.pattern;
  };
}

const namesOf = (path: string): string[] => path.split("/").filter((name) => name !== "");

/** Letters of either case: a file system may not tell them apart. */
function asExpression(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "isu");
}

/** Patterns without `*` and `?`: each names one place below a person's home. */
export const placesOf = (patterns: readonly string[]): string[] => patterns.filter((pattern) => !/[*?]/.test(pattern));
