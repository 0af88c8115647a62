# Completion of r3 for fish. Written by `make docs`; do not edit.

function __r3_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l at r3
    for word in $words[2..-1]
        switch "$at $word"
            case 'r3 wallet' 'r3 wallet create' 'r3 wallet import' 'r3 wallet list' 'r3 wallet show' 'r3 wallet balance' 'r3 wallet send' 'r3 wallet sign' 'r3 wallet verify' 'r3 train' 'r3 train run' 'r3 train verify' 'r3 train aggregate' 'r3 train receipt' 'r3 status' 'r3 logs' 'r3 config' 'r3 config show' 'r3 config explain' 'r3 config set' 'r3 config validate' 'r3 config paths' 'r3 doctor' 'r3 lab' 'r3 lab up' 'r3 lab down' 'r3 lab status' 'r3 lab fault' 'r3 lab faucet' 'r3 lab reset' 'r3 tx' 'r3 tx list' 'r3 tx show' 'r3 tx settle' 'r3 schema'
                set at "$at $word"
        end
    end
    set -l commands
    set -l options
    set -l argument nothing
    set -l value ''
    switch "$at"
        case 'r3'
            set commands 'wallet	Keys and accounts: create, import, show, pay, sign.' 'train	Rounds of training that a stranger can check: run, verify, aggregate, receipt.' 'status	Show wallets, network, rounds, the last accepted work and its age, the loss curve, balances.' 'logs	Show what happened, one event a line; repeated lines collapse. JSON output is NDJSON.' 'config	Settings: show, explain, set, validate.' 'doctor	Check this machine and r3’s folders; exit 3 when something must be fixed, with the command that does it.' 'lab	The local network: servers on loopback ports, faults, faucet.' 'tx	What was meant, what was sent, and what became of it.' 'schema	Show the JSON Schema of a command’s output, or of every command’s.'
            set options '--version	Show the version and exit.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 wallet'
            set commands 'create	Create a wallet; its mnemonic is shown once, on a terminal only.' 'import	Keep an existing mnemonic or private key, or watch an account. Asks for a mnemonic unless told otherwise.' 'list	List every wallet with its address on the network.' 'show	Show one wallet: accounts, addresses, public keys.' 'balance	Ask the network what wallets have.' 'send	Send money once and wait for its confirmation; exit 10 means that the outcome is unknown.' 'sign	Sign a text. What is signed can never be a transaction (ADR-036).' 'verify	Check a signed text; exit 3 when the signature does not verify.'
            set options '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 wallet create'
            set commands
            set options '--words	Length of the mnemonic: 12 to 24.' '--derivation	cosmos, remesd, seed, or a path like m/44’/118’/0’/0/0.' '--passphrase-file	Read the passphrase from a private file.' '--passphrase-fd	Read it from an open file descriptor.' '--network	Network, such as local.' '--dry-run	Check everything, change nothing, show what would be done.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 wallet import'
            set commands
            set options '--mnemonic-file	Its mnemonic; - for standard input.' '--private-key-file	Its key in hex; - for standard input.' '--watch	Only an address or a public key: cannot sign.' '--bip39-passphrase-file	The mnemonic’s own extra word.' '--derivation	cosmos, remesd, seed, or a path like m/44’/118’/0’/0/0.' '--passphrase-file	Read the passphrase from a private file.' '--passphrase-fd	Read it from an open file descriptor.' '--network	Network, such as local.' '--dry-run	Check everything, change nothing, show what would be done.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 wallet list'
            set commands
            set options '--network	Network, such as local.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 wallet show'
            set commands
            set options '--mnemonic	Show its words too; on a terminal only.' '--passphrase-file	Read the passphrase from a private file.' '--passphrase-fd	Read it from an open file descriptor.' '--network	Network, such as local.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'wallets'
        case 'r3 wallet balance'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--network	Network, such as local.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'wallets'
        case 'r3 wallet send'
            set commands
            set options '--max-fee	Refuse a higher fee.' '--passphrase-file	Read the passphrase from a private file.' '--passphrase-fd	Read it from an open file descriptor.' '--idempotency-key	A second run with this key finds the first.' '--dry-run	Check everything, change nothing, show what would be done.' '--yes	Do it without asking.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--network	Network, such as local.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'wallets'
        case 'r3 wallet sign'
            set commands
            set options '--message	The text.' '--message-file	A file with the text; - for standard input.' '--passphrase-file	Read the passphrase from a private file.' '--passphrase-fd	Read it from an open file descriptor.' '--network	Network, such as local.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'wallets'
        case 'r3 wallet verify'
            set commands
            set options '--signature	In base64 or hex.' '--message	The text.' '--message-file	A file with the text; - for standard input.' '--public-key	Of the signer.' '--address	Whose key it must be.' '--network	Network, such as local.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 train'
            set commands 'run	Train until so many rounds are closed; run it again to go on from where it stopped.' 'verify	Execute a round’s work again: the same bits, or the first step that differs (exit 3).' 'aggregate	The proposer’s side: check and merge a round’s work, commit, reveal; or recompute one that is closed.' 'receipt	Write one file that lets a stranger check a piece of work, without this machine or its chain.'
            set options '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 train run'
            set commands
            set options '--network	Network, such as local.' '--profile	Settings profile: local, production.' '--data	File or folder of text; the demo’s by default.' '--preset	nano, micro or small.' '--rounds	How many in total.' '--minutes	Begin no round after so long.' '--steps	Local steps of a round.' '--batch-size	Sequences of a step.' '--seed	Of the local network.' '--miners	Miners on this machine.' '--role	all, miner, proposer or verifier: whose turn this run takes.' '--mode	exact, or fast: bf16 without proof, sends nothing.' '--micro-batch	Sequences at once; the bits stay the same.' '--wallet	Mine as this wallet.' '--threads	CPU threads; all by default.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--passphrase-file	Read the passphrase from a private file.' '--passphrase-fd	Read it from an open file descriptor.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 train verify'
            set commands
            set options '--step	Execute one step only; all by default.' '--miner	Only this miner’s work.' '--receipt	Check a receipt; no chain is asked.' '--trust	A block hash that you have from elsewhere.' '--network	Network, such as local.' '--threads	CPU threads; all by default.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 train aggregate'
            set commands
            set options '--network	Network, such as local.' '--threads	CPU threads; all by default.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 train receipt'
            set commands
            set options '--out	Where to write it.' '--miner	Only this miner’s work.' '--network	Network, such as local.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 status'
            set commands
            set options '--watch	Show it again and again; JSON output is NDJSON.' '--live	Ask the chain now, not only this machine’s files.' '--network	Network, such as local.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 logs'
            set commands
            set options '--follow	Go on with what happens from now on.' '--since	A duration (10m, 1h30m) or a time.' '--lines	The last N events only.' '--level	This level and those above it.' '--grep	Only events whose text matches.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 config'
            set commands 'show	Show every setting in force and where it was written.' 'explain	Show what every layer says about one setting, and which wins.' 'set	Write one setting into the user file; the rest of the file stays as it is.' 'validate	Check every settings file; name file, line and the likely key of the first fault.' 'paths	Show the folders and files that r3 uses.'
            set options '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 config show'
            set commands
            set options '--network	Network, such as local.' '--profile	Settings profile: local, production.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 config explain'
            set commands
            set options '--network	Network, such as local.' '--profile	Settings profile: local, production.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'settings'
        case 'r3 config set'
            set commands
            set options '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'settings'
        case 'r3 config validate'
            set commands
            set options '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 config paths'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 doctor'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab'
            set commands 'up	Start the servers, or show those that run.' 'down	Stop the servers; the ledger stays.' 'status	Show the running network: chain, height, open round, faults.' 'fault	Make a trouble happen, or end it.' 'faucet	Give money that exists on this network only.' 'reset	Stop the servers and remove the ledger; blocks, wallets and training stay.'
            set options '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab up'
            set commands
            set options '--seed	Seed of the network.' '--mode	How its chain behaves.' '--host	Loopback address.' '--port	Port; 0 for any free one.' '--storage-port	Port; 0 for any free one.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab down'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab status'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab fault'
            set commands
            set options '--count	How many times; until switched off.' '--seconds	For slow: how long.' '--off	End it.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab faucet'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 lab reset'
            set commands
            set options '--confirm	The name again, to do it without asking.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 tx'
            set commands 'list	List the journal, oldest first.' 'show	Show one entry with every transaction that was signed for it.' 'settle	Find out what became of open entries; nothing is sent.'
            set options '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 tx list'
            set commands
            set options '--open	Only what is not known to be over.' '--limit	The newest so many.' '--network	Network, such as local.' '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 tx show'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 tx settle'
            set commands
            set options '--state	Folder of this run: journal, ledger, blocks, logs.' '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
        case 'r3 schema'
            set commands
            set options '--json	One JSON document.' '--output	table, json, yaml, ndjson, plain, name.' '--quiet	Ids only; no progress, no warnings.' '--verbose	Say more on stderr; -vv says most.' '--debug	Show the traceback of a failure.' '--no-color	No colours.' '--no-input	Never ask; exit 4 instead.' '--help	Show this message and exit.'
            set argument 'nothing'
    end
    switch "$at $words[-1]"
        case 'r3 lab up --mode'
            set value 'words full published'
        case 'r3 status --watch'
            set value ''
        case 'r3 train receipt -o'
            set value 'files'
        case '* --address'
            set value 'nothing'
        case '* --batch-size'
            set value 'nothing'
        case '* --bip39-passphrase-file'
            set value 'files'
        case '* --confirm'
            set value 'nothing'
        case '* --count'
            set value 'nothing'
        case '* --data'
            set value 'files'
        case '* --derivation'
            set value 'words cosmos remesd seed'
        case '* --grep'
            set value 'nothing'
        case '* --host'
            set value 'nothing'
        case '* --idempotency-key'
            set value 'nothing'
        case '* --level'
            set value 'words debug detail info warning error'
        case '* --limit'
            set value 'nothing'
        case '* --lines'
            set value 'nothing'
        case '* --max-fee'
            set value 'nothing'
        case '* --message'
            set value 'nothing'
        case '* --message-file'
            set value 'files'
        case '* --micro-batch'
            set value 'nothing'
        case '* --miner'
            set value 'nothing'
        case '* --miners'
            set value 'nothing'
        case '* --minutes'
            set value 'nothing'
        case '* --mnemonic-file'
            set value 'files'
        case '* --mode'
            set value 'nothing'
        case '* --network'
            set value 'networks'
        case '* --out'
            set value 'files'
        case '* --output'
            set value 'words table json yaml ndjson plain name'
        case '* --passphrase-fd'
            set value 'nothing'
        case '* --passphrase-file'
            set value 'files'
        case '* --port'
            set value 'nothing'
        case '* --preset'
            set value 'presets'
        case '* --private-key-file'
            set value 'files'
        case '* --profile'
            set value 'words local production'
        case '* --public-key'
            set value 'nothing'
        case '* --receipt'
            set value 'files'
        case '* --role'
            set value 'words miner proposer verifier'
        case '* --rounds'
            set value 'nothing'
        case '* --seconds'
            set value 'nothing'
        case '* --seed'
            set value 'nothing'
        case '* --signature'
            set value 'nothing'
        case '* --since'
            set value 'nothing'
        case '* --state'
            set value 'files'
        case '* --step'
            set value 'nothing'
        case '* --steps'
            set value 'nothing'
        case '* --storage-port'
            set value 'nothing'
        case '* --threads'
            set value 'nothing'
        case '* --trust'
            set value 'nothing'
        case '* --wallet'
            set value 'wallets'
        case '* --watch'
            set value 'nothing'
        case '* --words'
            set value 'nothing'
        case '* -n'
            set value 'nothing'
        case '* -o'
            set value 'words table json yaml ndjson plain name'
    end
    if test -z "$value"
        if string match -q -- '-*' "$current"
            printf '%s\n' $options
            return
        else if test (count $commands) -gt 0
            printf '%s\n' $commands
            return
        end
        set value $argument
    end
    switch "$value"
        case nothing
        case files
            __fish_complete_path "$current"
        case 'words *'
            string split ' ' -- (string replace 'words ' '' -- $value)
        case '*'
            command $words[1] __names $value 2>/dev/null
    end
end

complete -c r3 -f -a '(__r3_candidates)'
