// Package minimise keeps out of the ledger what must not be stored: fields the
// policy does not know (art. 5(1)(c)), the NIR (décret 2019-341), card numbers and
// CVV (délib. CNIL 2018-303), bank accounts outside billing, precise incomes,
// data of art. 9 and 10 and insults in free text (CNIL, zones bloc-notes; Futura
// Internationale SAN-2019-010).
//
// A Guard is built once per policy and reads every field on its way to a part,
// before anything is stored. It promises:
//   - what Apply keeps holds no number and no word that Apply would find again:
//     a second pass changes nothing and warns of nothing;
//   - a value without a finding is kept as its very bytes; the input is never
//     changed, though kept may share its arrays;
//   - warnings name a field as the policy declares it, "custom.*" or "unknown",
//     and a rule; never a value, nor a path that a sender chose;
//   - it keeps no state and takes time linear in the size of the fields.
//
// What each rule does by default, and is allowed to do, stands in the policy:
//
//	unknown_field     drop        the field, or the member of an object
//	nir card cvv iban mask        "***" in place; a card keeps its last four digits
//	income            generalise  "[tranche C]" in place, by the policy's bands
//	special_category  drop        the whole field: a sentence with a word cut out
//	abusive           drop        still says it
//
// Numbers are found through letter case, accents, digits of other scripts, full
// width, spaces of all kinds, dots, hyphens, slashes, apostrophes and zero-width
// signs. They are not found across two elements of a list, spelt out in words, or
// run together with other digits. Numbers are only believed when they check: NIR
// by its key (a bare one of 13 digits only beside a word such as "sécu"), cards by
// Luhn and issuer range, SIRET and EAN set apart, IBAN by country length and
// modulus 97. Words are whole words or stems of the policy's lists: it reads no
// meaning, so what no list names passes, and lists need a person's care.
//
// A crash leaves nothing, as nothing is written here.
package minimise
