package minimisation

// english are the lists for comments in English.
func english() []list {
	return []list{
		{"health",
			`breast|lung|skin|prostate|terminal cancer, has|have|had cancer, leukaemia, leukemia, undergoing chemo*, chemo*, diabetic, hiv positive, hiv, aids, had a stroke, a stroke, sick leave, depression, bipolar, schizophren*, dementia, alzheimer*, wheelchair user, in a wheelchair, alcoholic, drug addict*, autistic, autism, panic attack*, anxiety disorder, heart surgery|attack|disease|condition, miscarriage, abortion, mentally ill, mental illness, mental health, deaf in, is deaf|blind|disabled, overdose*, suicid*, anorexi*, pregnant, epilep*, multiple sclerosis, brain tumour|tumor, kidney dialysis, disability benefit*, medical condition*, in rehab, cognitive decline, hearing aid|loss, psychiatr*`,
			`cancer, tumour, tumor, stroke, surgery, depressed, deaf, blind, disabled, wheelchair, chemo, illness, obese, senile, hospitalised, hospitalized`,
			`hospital, treatment, sick, operation, medication`},
		{"religion",
			`devout|practising|practicing|strict|orthodox|born muslim|jew|jewish|catholic|christian|hindu|again|buddhist|sikh, muslim*, jewish, jehovah s witness*, wears a hijab|turban|veil|headscarf|burka, fasting for ramadan, ramadan, born again christian, talks about god, atheist*, very religious, religious belief*, goes to mass|mosque|church|synagogue, evangelical*`,
			`jew, catholic*, christian, hindu*, buddhist*, sikh*, mormon*, hijab, kosher, halal, quaker*`,
			`church, god, religious`},
		{"politics",
			`far right|left, votes far|labour|tory|conservative|republican|democrat|green|leave|trump|reform, labour|tory|conservative|republican|democrat|green|communist|party activist*, communist|party member*, card carrying, trump|biden|corbyn|farage supporter*, green|labour|conservative|reform party candidate, staunch|lifelong|diehard tory|labour|republican|democrat|conservative, political belief*|opinion*|view*, communist, fascist*, anarchist*`,
			`tory, socialist*, leftie*, lefty, brexiteer*, activist, republican, remainer*`, `politics, votes`},
		{"union",
			`trade union rep|member|official, union rep|member|organiser|organizer|official|steward|activist, shop steward, organised|organized|led the strike`, `unionist*, unionised, unionized, trade union`, `strike`},
		{"ethnic_origin",
			`black|asian|arab|white|mixed|coloured guy|man|woman|lady|race|person|male|female, of pakistani|indian|african|arab|turkish|asian|chinese|polish|nigerian|jamaican|caribbean origin|descent, ethnic origin*, gypsy, gypsies, is arab|black|asian|chinese|roma|pakistani, looks indian|arab|asian|black|chinese|african|foreign, another chinese|indian|pakistani|arab|nigerian, pikey*, paki, pakis`,
			`arab, chinese, pakistani, nigerian, immigrant*, foreigner*, roma`, `accent, foreign`},
		{"sex_life",
			`gay|lesbian|same couple|man|guy|sex, lesbian*, homosexual*, bisexual*, transgender*, transsexual*, having an affair, an affair, sleeps around|with, sexual orientation, sex life, is gay|bi|trans|queer, cheats on, mistress on`,
			`gay, queer, affair, swinger*, promiscuous`, `mistress, lover`},
		{"genetic_biometric",
			`dna test*, genetic disorder*|test*|condition*|disease*, brca gene, paternity test, carries the gene, his|her fingerprint|fingerprints, facial recognition data, biometric data`,
			`brca*, genetic, fingerprints`, `gene, dna`},
		{"offences",
			`out of prison|jail, in prison|jail, convicted of|for, criminal record, on parole|probation|bail, shoplift*, drug dealer*, beats his|her, was|been|got arrested, arrested last|for|on, ex con|convict, domestic violence|abuse, sex offender, served time, caught stealing, electronic tag`,
			`convicted, arrested, thief, fraudster*, criminal, prison, jail, felon*`, `police`},
		{Abusive,
			`bitch*, asshole*, arsehole*, moron|morons, scumbag*, bastard|bastards, idiot|idiots, dickhead*, fuck*, cunt*, wanker*, twat*, prick, dumbass*, retarded, motherf*, stupid old|cow|woman|man|bitch|customer, old cow|bat|hag, pain in the, thick as, waste of space, scrounger*, nutter*, he|she stinks, ugly and, total|complete|utter idiot|moron|loser|nutter|fool, piece of shit, imbecile*, trailer trash, white trash, lunatic*, psycho, lying bastard|cow|toad`,
			`stupid, ugly, crazy, liar, lazy, dumb, loser*, crook*, cheapskate*, weirdo*, freak*, creep, creepy, smelly, stinks, fat, nuts, insane, hag, thick`,
			`rude, annoying, difficult`},
	}
}
