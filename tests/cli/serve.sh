# SPDX-License-Identifier: MIT
# shellcheck shell=bash source-path=SCRIPTDIR
# A manager of one's own, from its address to its end.
source "$(dirname "$0")/support.sh"
if [[ $("$POLYSHM" doctor 2>&1) == *'none can be loaded'* ]]; then
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit

manage() { "$PYTHON" -W ignore "$here/manage.py" "$@"; }

# serving option...: a manager, until the function "$told" returns.
serving() {
  local address output code=0
  exec {output}< <(exec "$POLYSHM" serve "$@" 2>&1)
  local pid=$!
  IFS= read -r address <&"$output"
  $told "$address" "$pid"
  cat <&"$output"
  exec {output}<&-
  wait "$pid" || code=$?
  echo "it ended with $code"
}

cases() {
  printf 'secret\n' >key
  chmod 644 key
  run polyshm serve -k key unix:socket
  chmod 600 key
  run polyshm serve
  run polyshm serve -k nothing
  run polyshm serve -k key nonsense
  run polyshm serve -k key tcp:0.0.0.0:0
  run polyshm serve -k key unix:nothing/socket
  run polyshm serve -k key unix:socket other
  run polyshm serve -k key --level loud unix:socket
  run polyshm serve -k key --parent x unix:socket
  printf '%4097s' '' >long
  chmod 600 long
  run polyshm serve -k long unix:socket

  use() {
    echo "$1"
    stat -c '%a %F' socket
    manage "${1#unix:}" secret use "$NAME"
    run polyshm serve -k key unix:socket
    manage "${1#unix:}" wrong use "$NAME"
    manage "${1#unix:}" secret shutdown
  }
  told=use
  serving -k key unix:socket
  ls

  interrupt() {
    manage "${1#unix:}" secret leave "$NAME-left"
    kill "-$signal" "$2"
  }
  told=interrupt
  for signal in TERM INT HUP; do
    serving -k key --level info unix:socket
    run polyshm ls --names "$NAME*"
  done

  # Killed, it leaves its socket, which the next one replaces, and orphans.
  signal=KILL
  serving -k key unix:socket
  ls socket
  orphans=$("$POLYSHM" ls --json "$NAME*" | grep -c '"orphan": *true')
  echo "$orphans orphan"
  run polyshm rm "$NAME-left"
  signal=TERM
  serving -k key unix:socket
  ls

  # The key in the environment is not passed on, and a fresh socket goes.
  fresh() {
    [[ -S ${1#unix:} && $(stat -c %a "$(dirname "${1#unix:}")") == 700 ]] &&
      echo 'in a folder of its own'
    manage "${1#unix:}" from-the-environment shutdown
    [[ -e $(dirname "${1#unix:}") ]] || echo 'gone'
  }
  told=fresh
  export POLYSHM_AUTHKEY=from-the-environment TMPDIR=$folder
  serving
  ended() { kill -TERM "$2"; }
  told=ended
  serving --json unix:socket

  # systemd's way.
  notified() {
    "$PYTHON" - "$POLYSHM" <<'END'
import os, signal, socket, subprocess, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
    hears.bind("notify")
    os.environ["NOTIFY_SOCKET"] = os.path.abspath("notify")
    server = subprocess.Popen([sys.argv[1], "serve", "unix:socket"],
                              stdout=subprocess.DEVNULL)
    print(hears.recv(100).decode())
    server.send_signal(signal.SIGTERM)
    print(hears.recv(100).decode())
    print(server.wait())
END
  }
  notified
}
cases | sed "s|$folder|HERE|g"
