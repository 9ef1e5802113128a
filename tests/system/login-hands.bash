# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests in the trees that people sign in to share: hands and eyes at terminals and at the display, the people, their
# cards, and the service. tmux is the terminal, xdotool the keyboard.
export DISPLAY=:0 XAUTHORITY=/var/run/lightdm/root/:0
anna_password=ward-four bob_password=ward-five carl_password=ward-six root_password=top-floor
passcode=123456 bob_passcode=654321
socket=/run/cardgate/cardgate.sock
mkdir -p pictures
echo 'set -g remain-on-exit on' >tmux.conf # what a program said last can still be read

# --- hands and eyes
# terminal COMMAND...: a new terminal in which the command runs; what the last one showed is gone.
terminal() {
  if [[ -e terminal ]]; then on_terminal kill-server 2>/dev/null; fi
  echo "test-$EPOCHREALTIME" >terminal # a server of its own: the last one may still be ending
  on_terminal -f "$PWD/tmux.conf" new-session -d -x 160 -y 50 "$@"
}
on_terminal() { tmux -L "$(<terminal)" "$@"; }
types() { on_terminal send-keys -l -- "$1" && on_terminal send-keys Enter; }
screen() { on_terminal capture-pane -p 2>/dev/null; }
screen_has() { screen | finds -F -- "$1"; }
shows() { within "${2:-15}" screen_has "$1" || { echo "no '$1' on the terminal:" && screen | grep . && return 1; }; }
# A shell that says who it is: what is typed to it reads otherwise than what it answers.
is_in_as() { shows "$1@ward4:" && types 'echo "in as <$(id -un)>"' && shows "in as <$1>"; }
# answers PROMPT TEXT: when the terminal shows the prompt.
answers() { shows "$1" && types "$2"; }

login_as() { # NAME PASSWORD
  terminal login "$1" && answers 'Password:' "$2" && is_in_as "$1"
}
logs_out() { # NAME: and waits for the end of the login
  types exit && within 10 fails has_login "$1"
}
has_login() { loginctl --no-legend --no-pager list-sessions | awk -v who="$1" '$3 == who && $4 !~ /seat/ { found = 1 } END { exit !found }'; }
login_fails() {
  terminal login "$1" && answers 'Password:' "$2" && shows 'Login incorrect'
}
su_to_anna() { terminal runuser -u bob -- su - anna && answers 'Password:' "$1" && is_in_as anna; }
sudo_of_anna() { terminal runuser -u anna -- bash -c 'sudo -k id; sleep 60' && answers 'password for anna:' "$1" && shows 'uid=0(root)'; }
ssh_as_anna() { # PASSWORD [OPTION]...
  terminal ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "${@:2}" anna@127.0.0.1 &&
    answers 'assword:' "$1" && is_in_as anna
}

picture() { import -window root "${@:2}" +repage -strip "png:pictures/$1.png"; }
at_failure() { picture "failed-$1" 2>/dev/null; }
screen_now() { import -window root rgb:- | sha256sum; }
# settles BEFORE: until the display shows something else than BEFORE, and no longer changes.
settles() {
  local last now
  last=$(screen_now)
  for _ in {1..60}; do
    sleep 0.25
    now=$(screen_now)
    [[ $now != "$last" || $now == "$1" ]] || return 0
    last=$now
  done
  echo 'the display does not come to rest'
  return 1
}
keys() { xdotool type --delay 20 -- "$1" && xdotool key Return; }
# session_of USER: the logind session that the user has at the display.
session_of() { loginctl --no-legend --no-pager list-sessions | awk -v who="$1" '$3 == who && $4 == "seat0" { print $1; exit }'; }
# The lock is there when it delays a suspend: from then on it hears logind.
desktop_stands() { [[ -n $(session_of "$1") ]] && systemd-inhibit --list --no-legend | finds xss-lock; }
has_desktop() { [[ -n $(session_of "$1") ]]; }
greeter_stands() { has_desktop lightdm && xdotool search --onlyvisible --class lightdm-gtk-greeter >/dev/null 2>&1; }
greets() { within 30 greeter_stands && settles ''; }
names_at_greeter() { # NAME: types it, and waits for the question
  local before
  before=$(screen_now)
  keys "$1" && settles "$before"
}
greeter_login() { # NAME PASSWORD
  greets && names_at_greeter "$1" && keys "$2" && within 15 desktop_stands "$1"
}
hint() { loginctl show-session "$(session_of anna)" -p LockedHint --value; }
hint_is() { [[ $(hint) == "$1" ]]; }
lock_is_drawn() { [[ $(import -window root -crop 1x1+4+4 -depth 8 txt:- | tail -n 1) == *'#204060'* ]]; }
locks() { within 5 hint_is yes && within 5 lock_is_drawn; }
unlocks() { keys "$1" && within 8 hint_is no && within 5 fails lock_is_drawn; }
ends_desktop() { loginctl terminate-session "$(session_of "$1")" && within 15 fails has_desktop "$1"; }

# --- cards and the service
simcard() { cardgate-simcard "$1" --dir "$PWD/card-$2" "${@:3}"; }
insert() { simcard insert "$1" >>insert.log 2>&1 & }
pull() { simcard pull "$1"; }
tries_are() { # WHOSE NUMBER
  is "$(simcard show "$1" --json | jq .pin_tries)" "$2"
}
ask() { curl -sS --unix-socket "$socket" "http://cardgate$1"; }
login_needs() { # ACCOUNT USE: what the service says to the programs that people log in by
  is "$(ask "/v1/login?account=$1" | jq -r .use)" "$2"
}
puts_in() { # WHOSE [ACCOUNT USE]
  insert "$1" && within 20 login_needs "${2:-$1}" "${3:-passcode}"
}
takes_out() { # WHOSE
  pull "$1" && within 10 login_needs "$1" insert
}
of() { runuser -u "$1" -- cardgate "${@:2}"; }
session() { of "$1" whoami --json 2>/dev/null | jq -r --arg what "$2" 'first(.sessions[] | select(has("card"))) | .[$what]'; }
has_session() { [[ -n $(session "$1" id) ]]; }
# edit_config SED-SCRIPT: and has the service take it over.
edit_config() { sed -i "$1" /etc/cardgate/cardgated.yaml && cardgated --check-config && systemctl reload cardgated.service; }

make_cards() {
  cardgate-simcard init --dir card-anna --person 'Anna Bell' --key p256 --pin "$passcode" &&
    cardgate-simcard init --dir card-bob --ca card-anna/ca --person 'Bob Hill' --key p256 --pin "$bob_passcode" &&
    cp -r card-anna/ca/anchors card-anna/ca/intermediates card-anna/ca/crls /etc/cardgate/trust/ &&
    chmod -R a+rX /etc/cardgate/trust
}
configure() {
  cat >/etc/cardgate/cardgated.yaml <<YAML
# SPDX-License-Identifier: Apache-2.0
issuer: https://cardgate.hospital.example
socket: $socket
admin_socket: /run/cardgate/admin.sock
state_directory: /var/lib/cardgate
policy: /etc/cardgate/policy.yaml
audit: {directory: /var/lib/cardgate/audit}
trust:
  anchors: [/etc/cardgate/trust/anchors]
  intermediates: [/etc/cardgate/trust/intermediates]
  crls: [/etc/cardgate/trust/crls]
  extended_key_usages: [smartcardLogon, clientAuth]
mapping: [card_uuid]
readers:
  - seat: seat0
pam:
  account: ignore
  local_units: [cardgate-test.service]
clients:
  - name: logins
    match: {user: root}
    sign_in: true
  - name: ward
    match: {group: ward}
    sign_in: true
    tokens:
      - {audience: esr, roles: [employee-self-service]}
YAML
  sed -i '/^  employee-self-service:/,/^    idle:/s/^    idle:.*/    idle: 15m\n    card_removal: lock/' /etc/cardgate/policy.yaml
  cat >staff.yaml <<YAML
people:
  - {id: E1001, name: Anna Bell, employed_from: 2020-01-01, unix_accounts: [anna], cards: [{uuid: $(jq -r .uuid card-anna/card.json)}]}
  - {id: E1002, name: Bob Hill, employed_from: 2020-01-01, unix_accounts: [bob], cards: [{uuid: $(jq -r .uuid card-bob/card.json)}]}
  - {id: E1003, name: Carl Moss, employed_from: 2019-01-01, employed_until: 2020-12-31, unix_accounts: [carl]}
YAML
  cardgated --check-config && cardgate staff import staff.yaml
}

# --- with the card
passcode_prompt='Passcode of your card'
pamtester_takes_card() {
  terminal pamtester -v login anna authenticate && shows 'Your staff card, 3 tries left.' &&
    answers "$passcode_prompt" "$passcode" && shows 'successfully authenticated'
}
pamtester_retries() {
  terminal pamtester -v login anna authenticate && answers "$passcode_prompt" 999999 && shows '2 tries' &&
    types "$passcode" && shows 'successfully authenticated'
}
login_with_card() { terminal login anna && answers "$passcode_prompt" "$passcode" && is_in_as anna; }
knows_its_session() { types 'echo "session <$CARDGATE_SESSION>"' && shows "session <$(session anna id)>"; }
su_with_card() { terminal runuser -u bob -- su - anna && answers "$passcode_prompt" "$passcode" && is_in_as anna; }
sudo_with_card() {
  terminal runuser -u anna -- bash -c 'sudo -k id; sleep 60' && answers "$passcode_prompt" "$passcode" && shows 'uid=0(root)'
}
# As the guide has it; the outer su is runuser here, because a session that su makes for a service has no seat.
guide_line() { terminal runuser -u anna -- su anna -c "cardgate whoami" && answers "$passcode_prompt" "$passcode" && shows 'Anna Bell'; }
sudo_over_ssh() {
  ssh_as_anna "$anna_password" && types 'sudo -k id' && answers 'password for anna:' "$anna_password" && shows 'uid=0(root)' &&
    ! screen_has "$passcode_prompt"
}
no_card_asked() { ! screen | grep -i 'card'; }
password_without_card() { # NAME PASSWORD
  terminal login "$1" && answers 'Press Enter' '' && answers 'Password:' "$2" && is_in_as "$1"
}
greeter_with_card() {
  greets && names_at_greeter anna && picture login-lightdm -crop 480x300+272+240 && keys "$passcode" && within 15 desktop_stands anna
}
desktop_knows_its_session() {
  grep -zqx "CARDGATE_SESSION=$(session anna id)" "/proc/$(pgrep -u anna -x xss-lock)/environ"
}
user_unit() { runuser -u "$1" -- env "XDG_RUNTIME_DIR=/run/user/$(id -u "$1")" systemctl --user "${@:2}"; }
agent_runs() { user_unit anna is-active --quiet cardgate-agent.service; }
opens_both() { # PASSCODE: the screen and the session, in one prompt
  local before
  before=$(session anna id)
  unlocks "$1" && is "$(session anna id)" "$before" && within 5 session_is active
}
session_is() { [[ $(session anna state) == "$1" ]]; }
stays_locked() { # TYPED: until PAM has said no
  local before
  before=$(said_by i3lock)
  keys "$1" && within 10 more_of i3lock "$before" && sleep 1 && hint_is yes
}
# How much a program has told the journal, and whether it has told more: PAM has answered it then.
said_by() { journalctl -o cat -t "$1" | wc -l; }
more_of() { [[ $(said_by "$1") -gt $2 ]]; }

bob_with_card_of_anna() {
  terminal login bob && shows 'does not belong to the account' && answers 'Press Enter' '' && shows 'Password:' &&
    tries_are anna 3
}
agent_asks() {
  user_unit anna stop cardgate-agent.service && within 5 listeners_are 0 &&
    password_without_card anna "$anna_password" && types 'cardgate agent' && within 10 listeners_are 1 &&
    puts_in anna && dialog_stands
}
listeners_are() { ask /metrics | finds -x "cardgate_listeners $1"; }
dialog_stands() { shows "<Sign in>" && shows "type the passcode"; }
dialog_is_gone() { ! screen_has "<Sign in>"; }
dialog_goes() { takes_out anna && within 5 dialog_is_gone; }
dialog_comes() { puts_in anna && dialog_stands && screen >pictures/pinentry-curses.txt; }
outlives_agent() { on_terminal send-keys C-c && types 'echo $((40 + 2)) left' && shows '42 left' && has_session anna; }
dialog_signs_in() { types "$passcode" && within 10 has_session anna && within 5 dialog_is_gone; }
carl_comes_in() { login_as carl "$carl_password"; }
carl_is_refused() { terminal login carl && answers 'Password:' "$carl_password" && shows 'Your employment ended on'; }

finish() {
  if has_failed; then
    echo '--- the journal'
    journalctl --no-pager -o short-precise -n 1000
  fi
  echo 'all done'
  exit 0
}

# People with passwords, and the greeter.
make_people() {
  groupadd ward
  useradd --create-home --shell /bin/bash --groups ward,sudo anna
  useradd --create-home --shell /bin/bash --groups ward bob
  useradd --create-home --shell /bin/bash carl
  chpasswd <<<"anna:$anna_password
bob:$bob_password
carl:$carl_password
root:$root_password"
  touch /root/.hushlogin /home/{anna,bob,carl}/.hushlogin
  systemctl restart lightdm.service
}
