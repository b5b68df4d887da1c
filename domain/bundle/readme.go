package bundle

// The texts that every bundle begins with. They name only what any computer has
// or can get: sha256sum, openssl 3, duckdb or clickhouse-local.
const lisezmoi = `DOSSIER DE CONTRÔLE

Ce dossier est un extrait signé d'un registre Greffe. Il se vérifie hors ligne,
sans faire confiance à celui qui l'a remis, avec la clé publique du registre
obtenue PAR UNE AUTRE VOIE (procès-verbal, courrier). Le fichier key.pem d'ici
n'est là que pour comparaison.

Contenu
  manifest.json        liste signée de tous les fichiers : chemin, octets, SHA-256, lignes
  manifest.json.sig    signature Ed25519 du manifeste (64 octets)
  tables/*.csv         pour lire dans un tableur (point-virgule, UTF-8, heures UTC)
  tables/*.ndjson      les mêmes lignes, une par ligne, en JSON
  tables/*.parquet     les mêmes lignes, pour duckdb, clickhouse-local, pandas
  tables/events.*      tous les faits de la période ; colonne fact : leurs octets exacts
  checkpoint, tile/    tête signée et arbre (RFC 9162, C2SP) de tout le registre
  heads.ndjson         toutes les têtes signées, et leurs horodatages (RFC 3161)
  proofs/, receipts/   preuves et reçus s'il y en a, vérifiables un à un
  notices/             textes des mentions d'information, nommés par leur SHA-256
  policies/            règles en vigueur, version par version
  rapport.pdf          l'essentiel en quelques pages ; par où commencer
  registres.xlsx       chiffres et petits registres, un par feuille, pour un tableur
Un texte qui commencerait comme une formule porte une apostrophe dans les CSV.

Vérifier tout, par programme (Linux, Windows, macOS)
  greffe-verify --lang fr --key cle.pem DOSSIER
Il nomme tout fichier, ligne ou position coupé, échangé, doublé, ajouté ou
modifié. Code de sortie 0 : intact ; 1 : refusé ; 2 : n'a pas pu vérifier.

Vérifier l'essentiel à la main, dans le dossier
1. La signature du manifeste (openssl 3) :
  openssl pkeyutl -verify -pubin -inkey cle.pem -rawin -in manifest.json -sigfile manifest.json.sig
2. Chaque fichier contre le manifeste, puis l'absence de tout autre fichier :
  duckdb -noheader -list -c "select f.sha256 || '  ' || f.path from (select unnest(files) f from read_json('manifest.json', maximum_object_size=67108864))" | sha256sum -c --quiet
  find . -type f | wc -l      (autant que de fichiers listés, plus deux)
3. Les faits se suivent sans trou (le nombre est celui de to moins from) :
  duckdb -c "select count(*), count(distinct position), min(position), max(position) from 'tables/events.parquet'"
  clickhouse-local -q "select count(), uniqExact(position), min(position), max(position) from file('tables/events.parquet')"
4. Un fait est dans l'arbre : SHA-256 de l'octet 0 puis du fait = 32 octets de sa tuile
   (position p : fichier tile/0/ numéro p/256 en tranches de trois chiffres, octets 32 × (p modulo 256)) :
  duckdb -noheader -list -c "select fact from 'tables/events.parquet' where position=0" | tr -d '\n' | (printf '\0'; cat) | sha256sum
  od -An -tx1 -N32 tile/0/000* | tr -d ' \n'
5. Aucune ligne d'une table sans fait (de même pour les autres tables) :
  duckdb -c "select count(*) from 'tables/consents.parquet' t anti join 'tables/events.parquet' e on e.position=t.position and e.id=t.id"
6. L'adresse d'un plaignant figure-t-elle dans la liste d'opposition ?
   La clé d'opposition est remise à part.
  greffe-verify --lang fr --key cle.pem --opposition-key cle-opposition.txt --address a@exemple.fr DOSSIER
`

const readme = `INSPECTION BUNDLE

This is a signed extract of a Greffe ledger. It is verified offline, without
trusting whoever handed it over, with the ledger's public key obtained BY ANOTHER
WAY (official record, letter). The file key.pem in here is for comparison only.

What is in it
  manifest.json        signed list of every file: path, bytes, SHA-256, rows
  manifest.json.sig    Ed25519 signature of the manifest (64 bytes)
  tables/*.csv         for spreadsheets (semicolons, UTF-8, times in UTC)
  tables/*.ndjson      the same rows, one a line, as JSON
  tables/*.parquet     the same rows, for duckdb, clickhouse-local, pandas
  tables/events.*      every fact of the period; column fact: its exact bytes
  checkpoint, tile/    signed head and tree (RFC 9162, C2SP) of the whole ledger
  heads.ndjson         every signed head, and their timestamps (RFC 3161)
  proofs/, receipts/   proofs and receipts if there are any, each verifiable by itself
  notices/             texts people were informed with, named by their SHA-256
  policies/            the rules in force, version by version
  rapport.pdf          the main things on a few pages, in French; begin here
  registres.xlsx       figures and small registers, one a sheet, in French
A text that would begin like a formula has an apostrophe before it in CSV files.

Verify everything by program (Linux, Windows, macOS)
  greffe-verify --lang en --key key-as-given.pem BUNDLE
It names each file, row or position that was cut, swapped, doubled, added or
edited. Exit code 0: intact; 1: refused; 2: could not verify.

Verify the main things by hand, inside the directory
1. The manifest's signature (openssl 3):
  openssl pkeyutl -verify -pubin -inkey key-as-given.pem -rawin -in manifest.json -sigfile manifest.json.sig
2. Each file against the manifest, then that there is no other file:
  duckdb -noheader -list -c "select f.sha256 || '  ' || f.path from (select unnest(files) f from read_json('manifest.json', maximum_object_size=67108864))" | sha256sum -c --quiet
  find . -type f | wc -l      (as many as are listed, and two)
3. Facts follow each other without a gap (their number is to minus from):
  duckdb -c "select count(*), count(distinct position), min(position), max(position) from 'tables/events.parquet'"
  clickhouse-local -q "select count(), uniqExact(position), min(position), max(position) from file('tables/events.parquet')"
4. A fact is in the tree: SHA-256 of byte 0 and the fact = 32 bytes of its tile
   (position p: file tile/0/ number p/256 in groups of three digits, bytes from 32 × (p modulo 256)):
  duckdb -noheader -list -c "select fact from 'tables/events.parquet' where position=0" | tr -d '\n' | (printf '\0'; cat) | sha256sum
  od -An -tx1 -N32 tile/0/000* | tr -d ' \n'
5. No row of a table without its fact (the same for other tables):
  duckdb -c "select count(*) from 'tables/consents.parquet' t anti join 'tables/events.parquet' e on e.position=t.position and e.id=t.id"
6. Is a complainant's address in the opposition list? The opposition key is given apart.
  greffe-verify --lang en --key key-as-given.pem --opposition-key opposition-key.txt --address a@example.com BUNDLE
`
