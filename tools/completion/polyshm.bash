# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of polyshm for bash.

# Names are those of others: nothing may expand them. Those with a backslash
# are escapes, and not the names themselves.
_polyshm_names() {
  local name
  while IFS= read -r name; do
    if [[ $name == "$1"* && $name != *\\* ]]; then
      COMPREPLY+=("$(printf '%q' "$name")")
    fi
  done < <(polyshm ls --names 2>/dev/null)
}

_polyshm_words() {
  local word typed=$1
  shift
  for word; do
    [[ $word != "$typed"* ]] || COMPREPLY+=("$word")
  done
}

_polyshm() {
  local typed=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command=${COMP_WORDS[1]} options='--json --help'
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _polyshm_words "$typed" \
      ls show set rm gc watch serve doctor version help --help --version
    return
  fi
  case $before in
    --as | -a)
      _polyshm_words "$typed" hex i8 u8 i16 u16 i32 u32 i64 u64 f32 f64
      return
      ;;
    --level | -l)
      _polyshm_words "$typed" none error warning info debug
      return
      ;;
    --authkey-file | -k)
      mapfile -t COMPREPLY < <(compgen -f -- "$typed")
      return
      ;;
    --parent | -p)
      [[ $command == serve ]] && return
      ;;
    --offset | --length | --count | --interval | -o | -n | -c | -i)
      [[ $command == show || $command == watch ]] && return
      ;;
  esac
  case $command in
    ls) options+=' --bytes --names' ;;
    show) options+=' --offset --length --as --full' ;;
    set) options+=' --int --float --str --bytes --bool --none' ;;
    rm) options+=' --force --yes' ;;
    gc) options+=' --dry-run' ;;
    watch) options+=' --once --count --interval --offset --length' ;;
    serve) options+=' --authkey-file --level --syslog --no-md5 --remote --parent' ;;
    help)
      _polyshm_words "$typed" ls show set rm gc watch serve doctor version
      return
      ;;
  esac
  if [[ $typed == -* ]]; then
    # They hold no blanks.
    # shellcheck disable=SC2086
    _polyshm_words "$typed" $options
    return
  fi
  case $command in
    ls | show | set | rm | watch) _polyshm_names "$typed" ;;
  esac
  # A colon parts words for readline.
  if declare -F __ltrim_colon_completions >/dev/null; then
    __ltrim_colon_completions "$typed"
  fi
}

complete -F _polyshm polyshm
