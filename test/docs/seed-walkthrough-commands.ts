/** Every command in the fences of the document that this product began with, by its section. */
export const seedCommands: readonly { section: number; command: string }[] = [
  { section: 3, command: "./.kiro/skills/setup/scripts/03-setup-container.sh" },
  { section: 3, command: "docker build -t nanoclaw-agent:latest ./container" },
  { section: 5, command: "launchctl list | grep nanoclaw" },
  { section: 5, command: "docker ps" },
  { section: 5, command: "tail -f logs/nanoclaw.log" },
  { section: 6, command: "npm run auth\n" },
  { section: 6, command: "mv store/auth store/auth.bak.$(date +%s)\nnpm run auth\n" },
  { section: 6, command: "npm run auth -- --pairing-code --phone <your_number_with_country_code>" },
  { section: 7, command: "kiro-cli whoami" },
  { section: 7, command: "npm run build" },
  { section: 7, command: "./.kiro/skills/setup/scripts/03-setup-container.sh" },
  { section: 7, command: "./.kiro/skills/setup/scripts/08-setup-service.sh" },
  {
    section: 7,
    command: `docker run --rm \\
  -v "$HOME/.kiro:/home/node/.kiro" \\
  -v "$HOME/.aws:/home/node/.aws" \\
  -v "$HOME/Library/Application Support/kiro-cli:/home/node/.local/share/kiro-cli" \\
  --entrypoint /usr/local/bin/kiro-cli \\
  nanoclaw-agent:latest whoami
`,
  },
  { section: 9, command: "launchctl load ~/Library/LaunchAgents/com.nanoclaw.plist" },
  {
    section: 10,
    command: `launchctl unload ~/Library/LaunchAgents/com.nanoclaw.plist

PLIST=~/Library/LaunchAgents/com.nanoclaw.plist
if /usr/libexec/PlistBuddy -c "Print :EnvironmentVariables:NANOCLAW_AGENT_RUNTIME" "$PLIST" >/dev/null 2>&1; then
  /usr/libexec/PlistBuddy -c "Set :EnvironmentVariables:NANOCLAW_AGENT_RUNTIME host" "$PLIST"
else
  /usr/libexec/PlistBuddy -c "Add :EnvironmentVariables:NANOCLAW_AGENT_RUNTIME string host" "$PLIST"
fi

launchctl load ~/Library/LaunchAgents/com.nanoclaw.plist
launchctl kickstart -k gui/$(id -u)/com.nanoclaw
`,
  },
  { section: 10, command: "plutil -p ~/Library/LaunchAgents/com.nanoclaw.plist | rg NANOCLAW_AGENT_RUNTIME" },
  { section: 10, command: "rg -n 'runtime.*host' logs/nanoclaw.log | tail -n 5" },
  {
    section: 10,
    command: `launchctl unload ~/Library/LaunchAgents/com.nanoclaw.plist
/usr/libexec/PlistBuddy -c "Set :EnvironmentVariables:NANOCLAW_AGENT_RUNTIME docker" ~/Library/LaunchAgents/com.nanoclaw.plist
launchctl load ~/Library/LaunchAgents/com.nanoclaw.plist
launchctl kickstart -k gui/$(id -u)/com.nanoclaw
`,
  },
];
