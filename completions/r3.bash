# Completion of r3 for bash. Written by `make docs`; do not edit.

_r3() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local at=r3 commands='' options='' argument='' value='' words='' index
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$at ${COMP_WORDS[index]}" in
        'r3 wallet' | 'r3 wallet create' | 'r3 wallet import' | 'r3 wallet list' | 'r3 wallet show' | 'r3 wallet balance' | 'r3 wallet send' | 'r3 wallet sign' | 'r3 wallet verify' | 'r3 train' | 'r3 train run' | 'r3 train verify' | 'r3 train aggregate' | 'r3 train receipt' | 'r3 status' | 'r3 logs' | 'r3 config' | 'r3 config show' | 'r3 config explain' | 'r3 config set' | 'r3 config validate' | 'r3 config paths' | 'r3 doctor' | 'r3 lab' | 'r3 lab up' | 'r3 lab down' | 'r3 lab status' | 'r3 lab fault' | 'r3 lab faucet' | 'r3 lab reset' | 'r3 tx' | 'r3 tx list' | 'r3 tx show' | 'r3 tx settle' | 'r3 schema') at+=" ${COMP_WORDS[index]}" ;;
        esac
    done
    case "$at" in
        'r3')
            commands='wallet train status logs config doctor lab tx schema'
            options='--version --help'
            argument='nothing'
            ;;
        'r3 wallet')
            commands='create import list show balance send sign verify'
            options='--help'
            argument='nothing'
            ;;
        'r3 wallet create')
            commands=''
            options='--words --derivation --passphrase-file --passphrase-fd --network --dry-run --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 wallet import')
            commands=''
            options='--mnemonic-file --private-key-file --watch --bip39-passphrase-file --derivation --passphrase-file --passphrase-fd --network --dry-run --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 wallet list')
            commands=''
            options='--network --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 wallet show')
            commands=''
            options='--mnemonic --passphrase-file --passphrase-fd --network --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='wallets'
            ;;
        'r3 wallet balance')
            commands=''
            options='--state --network --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='wallets'
            ;;
        'r3 wallet send')
            commands=''
            options='--max-fee --passphrase-file --passphrase-fd --idempotency-key --dry-run --yes --state --network --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='wallets'
            ;;
        'r3 wallet sign')
            commands=''
            options='--message --message-file --passphrase-file --passphrase-fd --network --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='wallets'
            ;;
        'r3 wallet verify')
            commands=''
            options='--signature --message --message-file --public-key --address --network --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 train')
            commands='run verify aggregate receipt'
            options='--help'
            argument='nothing'
            ;;
        'r3 train run')
            commands=''
            options='--network --profile --data --preset --rounds --minutes --steps --batch-size --seed --miners --role --mode --micro-batch --wallet --threads --state --passphrase-file --passphrase-fd --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 train verify')
            commands=''
            options='--step --miner --receipt --trust --network --threads --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 train aggregate')
            commands=''
            options='--network --threads --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 train receipt')
            commands=''
            options='--out --miner --network --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 status')
            commands=''
            options='--watch --live --network --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 logs')
            commands=''
            options='--follow --since --lines --level --grep --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 config')
            commands='show explain set validate paths'
            options='--help'
            argument='nothing'
            ;;
        'r3 config show')
            commands=''
            options='--network --profile --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 config explain')
            commands=''
            options='--network --profile --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='settings'
            ;;
        'r3 config set')
            commands=''
            options='--json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='settings'
            ;;
        'r3 config validate')
            commands=''
            options='--json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 config paths')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 doctor')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 lab')
            commands='up down status fault faucet reset'
            options='--help'
            argument='nothing'
            ;;
        'r3 lab up')
            commands=''
            options='--seed --mode --host --port --storage-port --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 lab down')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 lab status')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 lab fault')
            commands=''
            options='--count --seconds --off --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 lab faucet')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 lab reset')
            commands=''
            options='--confirm --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 tx')
            commands='list show settle'
            options='--help'
            argument='nothing'
            ;;
        'r3 tx list')
            commands=''
            options='--open --limit --network --state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 tx show')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 tx settle')
            commands=''
            options='--state --json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
        'r3 schema')
            commands=''
            options='--json --output --quiet --verbose --debug --no-color --no-input --help'
            argument='nothing'
            ;;
    esac
    case "$at $previous" in
        'r3 lab up --mode') value='words full published' ;;
        'r3 status --watch') value='' ;;
        'r3 train receipt -o') value='files' ;;
        *' --address') value='nothing' ;;
        *' --batch-size') value='nothing' ;;
        *' --bip39-passphrase-file') value='files' ;;
        *' --confirm') value='nothing' ;;
        *' --count') value='nothing' ;;
        *' --data') value='files' ;;
        *' --derivation') value='words cosmos remesd seed' ;;
        *' --grep') value='nothing' ;;
        *' --host') value='nothing' ;;
        *' --idempotency-key') value='nothing' ;;
        *' --level') value='words debug detail info warning error' ;;
        *' --limit') value='nothing' ;;
        *' --lines') value='nothing' ;;
        *' --max-fee') value='nothing' ;;
        *' --message') value='nothing' ;;
        *' --message-file') value='files' ;;
        *' --micro-batch') value='nothing' ;;
        *' --miner') value='nothing' ;;
        *' --miners') value='nothing' ;;
        *' --minutes') value='nothing' ;;
        *' --mnemonic-file') value='files' ;;
        *' --mode') value='nothing' ;;
        *' --network') value='networks' ;;
        *' --out') value='files' ;;
        *' --output') value='words table json yaml ndjson plain name' ;;
        *' --passphrase-fd') value='nothing' ;;
        *' --passphrase-file') value='files' ;;
        *' --port') value='nothing' ;;
        *' --preset') value='presets' ;;
        *' --private-key-file') value='files' ;;
        *' --profile') value='words local production' ;;
        *' --public-key') value='nothing' ;;
        *' --receipt') value='files' ;;
        *' --role') value='words miner proposer verifier' ;;
        *' --rounds') value='nothing' ;;
        *' --seconds') value='nothing' ;;
        *' --seed') value='nothing' ;;
        *' --signature') value='nothing' ;;
        *' --since') value='nothing' ;;
        *' --state') value='files' ;;
        *' --step') value='nothing' ;;
        *' --steps') value='nothing' ;;
        *' --storage-port') value='nothing' ;;
        *' --threads') value='nothing' ;;
        *' --trust') value='nothing' ;;
        *' --wallet') value='wallets' ;;
        *' --watch') value='nothing' ;;
        *' --words') value='nothing' ;;
        *' -n') value='nothing' ;;
        *' -o') value='words table json yaml ndjson plain name' ;;
    esac
    if [[ -z $value ]]; then
        if [[ $current == -* ]]; then
            value="words $options"
        elif [[ -n $commands ]]; then
            value="words $commands"
        else
            value=$argument
        fi
    fi
    COMPREPLY=()
    case "$value" in
        nothing) return ;;
        files)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        'words '*) words=${value#words } ;;
        *) words=$("${COMP_WORDS[0]}" __names "$value" 2>/dev/null) ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _r3 r3
