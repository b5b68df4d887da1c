// Package statistics makes counts of people that say nothing of one: generalised
// (age bands, departments, months), held to k-anonymity and l-diversity, or with noise
// under a budget; and it answers the three tests by which such counts may be called
// anonymous (WP216; CNIL, "l'anonymisation de données personnelles"): individualisation,
// corrélation, inférence.
//
// Promised: no cell of an exact table stands for fewer than k people, nor has a
// sensitive attribute with fewer than l well represented values; what is left out is
// not given by a total either. A noisy table has a cell for each combination of the
// dimensions' values, whether anybody is in it or not, so that its shape tells nothing;
// its noise is that of the two-sided geometric mechanism for one person. A release is
// called anonymous only if each of the three tests is passed.
//
// Assumed: each person is counted once, and random bytes are random. There is no I/O,
// so a crash leaves nothing.
//
// Sources: WP216 (Groupe de l'article 29, avis 05/2014); Sweeney, k-anonymity (2002);
// Machanavajjhala et al., l-diversity (2007); Ghosh, Roughgarden, Sundararajan,
// universally utility-maximizing privacy mechanisms (2009); EDPB guidelines 02/2026 on
// anonymisation (draft of 7 July 2026): no isolation, no linkage, no inference.
package statistics
