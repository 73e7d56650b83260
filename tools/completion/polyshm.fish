# SPDX-License-Identifier: MIT
# Completion of polyshm for fish.

# Those with a backslash are escapes, and not the names themselves.
function __polyshm_names
    polyshm ls --names 2>/dev/null | string match --invert --regex '\\\\'
end

function __polyshm_lacks_command
    not __fish_seen_subcommand_from ls show set rm gc watch serve doctor version help
end

function __polyshm_is
    __fish_seen_subcommand_from $argv
end

complete -c polyshm -f
complete -c polyshm -s h -l help -d 'Explain'
complete -c polyshm -n __polyshm_lacks_command -s V -l version -d 'Print versions'
complete -c polyshm -n __polyshm_lacks_command -a ls -d 'List blocks and who has them'
complete -c polyshm -n __polyshm_lacks_command -a show -d 'Show items or bytes'
complete -c polyshm -n __polyshm_lacks_command -a set -d 'Store a value in an item'
complete -c polyshm -n __polyshm_lacks_command -a rm -d 'Remove blocks'
complete -c polyshm -n __polyshm_lacks_command -a gc -d 'Remove orphans'
complete -c polyshm -n __polyshm_lacks_command -a watch -d 'Watch items or bytes change'
complete -c polyshm -n __polyshm_lacks_command -a serve -d 'Be a manager'
complete -c polyshm -n __polyshm_lacks_command -a doctor -d 'Look for what would go wrong'
complete -c polyshm -n __polyshm_lacks_command -a version -d 'Print versions'
complete -c polyshm -n __polyshm_lacks_command -a help -d 'Explain a command'

complete -c polyshm -n 'not __polyshm_lacks_command' -s j -l json -d 'Write JSON'
complete -c polyshm -n '__polyshm_is ls show set rm watch' -a '(__polyshm_names)'
complete -c polyshm -n '__polyshm_is help' -a 'ls show set rm gc watch serve doctor version'

complete -c polyshm -n '__polyshm_is ls' -s b -l bytes -d 'All digits'
complete -c polyshm -n '__polyshm_is ls' -s n -l names -d 'Names alone'

complete -c polyshm -n '__polyshm_is show watch' -s o -l offset -x -d 'Begin at this byte'
complete -c polyshm -n '__polyshm_is show watch' -s n -l length -x -d 'So many bytes'
complete -c polyshm -n '__polyshm_is show' -s a -l as -x -d Type \
    -a 'hex i8 u8 i16 u16 i32 u32 i64 u64 f32 f64'
complete -c polyshm -n '__polyshm_is show' -s f -l full -d 'Do not cut strings'

complete -c polyshm -n '__polyshm_is set' -l int -d 'A whole number'
complete -c polyshm -n '__polyshm_is set' -l float -d 'A floating-point number'
complete -c polyshm -n '__polyshm_is set' -l str -d Text
complete -c polyshm -n '__polyshm_is set' -l bytes -d 'Hexadecimal digits'
complete -c polyshm -n '__polyshm_is set' -l bool -d 'True or false'
complete -c polyshm -n '__polyshm_is set' -l none -d 'No value'

complete -c polyshm -n '__polyshm_is rm' -s f -l force -d 'Also what is in use'
complete -c polyshm -n '__polyshm_is rm' -s y -l yes -d 'Do not ask'

complete -c polyshm -n '__polyshm_is gc' -s n -l dry-run -d 'Only tell'

complete -c polyshm -n '__polyshm_is watch' -l once -d 'Show the state, then end'
complete -c polyshm -n '__polyshm_is watch' -s c -l count -x -d 'End after so many changes'
complete -c polyshm -n '__polyshm_is watch' -s i -l interval -x -d Seconds

complete -c polyshm -n '__polyshm_is serve' -s k -l authkey-file -r -F -d 'The authkey'
complete -c polyshm -n '__polyshm_is serve' -s l -l level -x -d 'What to tell' \
    -a 'none error warning info debug'
complete -c polyshm -n '__polyshm_is serve' -l syslog -d 'Tell it to syslog'
complete -c polyshm -n '__polyshm_is serve' -l no-md5 -d 'Refuse Python before 3.12'
complete -c polyshm -n '__polyshm_is serve' -l remote -d 'TCP for other machines, too'
complete -c polyshm -n '__polyshm_is serve' -s p -l parent -x -d 'End with this process' \
    -a '(__fish_complete_pids)'
