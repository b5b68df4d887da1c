package signin

// wordsIn are the sentences of the pages in a language, by key.
func wordsIn(lang string) map[string]string {
	out := make(map[string]string, len(sentences))
	for _, s := range sentences {
		out[s.key] = s.en
		if lang == "fr" {
			out[s.key] = s.fr
		}
	}
	return out
}

// sentences is the list of them. Nothing changes it.
var sentences = [...]struct{ key, fr, en string }{
	{"title_signin", "Se connecter", "Sign in"},
	{"title_invitation", "Votre invitation", "Your invitation"},
	{"title_me", "Mon compte", "My account"},
	{"skip", "Aller au contenu", "Skip to content"},
	{"other_language", "English", "Français"},
	{"noscript", "Cette page a besoin de JavaScript : les clés d'accès ne fonctionnent pas sans lui.", "This page needs JavaScript: passkeys do not work without it."},
	{"network", "Le service n'a pas répondu. Réessayez dans un instant.", "The service did not answer. Try again in a moment."},
	{"passkey_cancelled", "Aucune clé d'accès n'a été utilisée. Réessayez, ou choisissez un autre moyen.", "No passkey was used. Try again, or choose another way."},
	{"passkey_unsupported", "Ce navigateur ne connaît pas les clés d'accès.", "This browser does not know passkeys."},

	{"with_passkey", "Utiliser une clé d'accès", "Use a passkey"},
	{"with_passkey_note", "Empreinte, visage, code de l'appareil ou clé de sécurité : ni nom ni mot de passe à saisir.", "Fingerprint, face, the device's PIN or a security key: no name or password to type."},
	{"with_provider", "Se connecter avec", "Sign in with"},
	{"with_password", "Avec un mot de passe", "With a password"},
	{"login", "Identifiant", "Login"},
	{"password", "Mot de passe", "Password"},
	{"show", "Afficher", "Show"},
	{"go_on", "Continuer", "Continue"},
	{"sign_in", "Se connecter", "Sign in"},
	{"lost", "Plus aucun moyen de vous connecter ? Demandez une réinitialisation à l'administrateur.", "No way left to sign in? Ask the administrator for a reset."},
	{"second_title", "Second facteur", "Second factor"},
	{"totp", "Code de l'application", "Code from the app"},
	{"totp_hint", "Les six chiffres affichés par votre application d'authentification.", "The six digits that your authenticator app shows."},
	{"recovery_instead", "Utiliser un code de secours", "Use a recovery code"},
	{"recovery_code", "Code de secours", "Recovery code"},
	{"recovery_hint", "Chaque code ne sert qu'une fois.", "Each code works once."},
	{"start_again", "Recommencer", "Start again"},

	{"invited_lead", "Choisissez votre mot de passe. L'invitation ne sert qu'une fois.", "Choose your password. The invitation works once."},
	{"new_password", "Nouveau mot de passe", "New password"},
	{"password_rule", "12 caractères avec majuscules, minuscules, chiffres et signes, ou 14 avec trois de ces sortes, ou sept mots.", "12 characters with capitals, small letters, digits and signs, or 14 with three of these, or seven words."},
	{"accept", "Créer mon mot de passe", "Set my password"},
	{"invited_next", "Vous ajouterez ensuite un second facteur : clé d'accès ou application d'authentification.", "Next you will add a second factor: a passkey or an authenticator app."},
	{"no_invitation", "Ce lien ne porte pas d'invitation. Ouvrez-le tel que vous l'avez reçu, en entier.", "This link carries no invitation. Open it as you received it, whole."},

	{"not_signed_in", "Vous n'êtes pas connecté, ou votre session a pris fin.", "You are not signed in, or your session has ended."},
	{"roles", "Rôles", "Roles"},
	{"no_roles", "aucun", "none"},
	{"signed_in_by", "Connexion par", "Signed in by"},
	{"m_password", "mot de passe", "password"},
	{"m_passkey", "clé d'accès", "passkey"},
	{"m_oidc", "fournisseur d'identité", "identity provider"},
	{"m_totp", "code d'application", "app code"},
	{"m_recovery", "code de secours", "recovery code"},
	{"until", "Session jusqu'au", "Session until"},
	{"sign_out", "Se déconnecter", "Sign out"},
	{"incomplete", "Il vous manque un second facteur : ajoutez une clé d'accès ou une application d'authentification. D'ici là, rien d'autre n'est ouvert.", "You lack a second factor: add a passkey or an authenticator app. Until then nothing else is open."},
	{"passkeys", "Clés d'accès", "Passkeys"},
	{"passkeys_note", "Une clé d'accès vaut deux facteurs. Ayez-en deux, sur des appareils différents.", "A passkey counts as two factors. Have two, on different devices."},
	{"passkeys_away", "Les clés d'accès demandent que ce service soit ouvert par un nom et en HTTPS.", "Passkeys need this service to be opened by a name and over HTTPS."},
	{"passkeys_none", "Aucune clé d'accès.", "No passkey."},
	{"passkey_name", "Nom de la clé", "Name of the passkey"},
	{"passkey_name_hint", "Pour la reconnaître dans cette liste, par exemple « ordinateur du bureau ».", "To recognise it in this list, such as “office computer”."},
	{"passkey_add", "Ajouter une clé d'accès", "Add a passkey"},
	{"passkey_unnamed", "Sans nom", "Unnamed"},
	{"added", "ajoutée le", "added"},
	{"synced", "synchronisée par son fournisseur", "synced by its provider"},
	{"remove", "Retirer", "Remove"},
	{"totp_app", "Application d'authentification", "Authenticator app"},
	{"totp_on", "Configurée.", "Set up."},
	{"totp_off", "Non configurée.", "Not set up."},
	{"totp_set", "Configurer une application", "Set up an app"},
	{"totp_scan", "Scannez ce code avec votre application, ou saisissez-y la clé, puis donnez les six chiffres qu'elle affiche.", "Scan this code with your app, or type the key into it, then give the six digits it shows."},
	{"totp_secret", "Clé", "Key"},
	{"qr", "Code QR de la clé", "QR code of the key"},
	{"totp_confirm", "Vérifier le code", "Check the code"},
	{"recovery", "Codes de secours", "Recovery codes"},
	{"recovery_note", "À imprimer et à garder en lieu sûr, pour le jour où l'appareil manque. De nouveaux codes annulent les précédents.", "Print them and keep them safe, for the day the device is missing. New codes cancel those before."},
	{"recovery_make", "Créer de nouveaux codes", "Make new codes"},
	{"recovery_once", "Ces codes ne seront plus affichés.", "These codes will not be shown again."},
	{"password_change", "Changer le mot de passe", "Change the password"},
	{"password_ends", "Vos autres sessions prendront fin.", "Your other sessions will end."},
	{"sessions", "Sessions ouvertes", "Open sessions"},
	{"began", "depuis le", "since"},
	{"this_session", "cette session", "this session"},
	{"end", "Terminer", "End"},
	{"again_title", "Confirmez que c'est vous", "Confirm that it is you"},
	{"again_lead", "Cet acte demande de vous identifier de nouveau.", "This act needs you to give your factors again."},
	{"again_confirm", "Confirmer", "Confirm"},
	{"cancel", "Annuler", "Cancel"},
	{"said_passkey", "Clé d'accès ajoutée.", "Passkey added."},
	{"said_removed", "Clé d'accès retirée.", "Passkey removed."},
	{"said_totp", "Application configurée.", "App set up."},
	{"said_password", "Mot de passe changé.", "Password changed."},
	{"said_ended", "Session terminée.", "Session ended."},
	{"said_recovery", "Codes créés : imprimez-les maintenant.", "Codes made: print them now."},
	{"said_complete", "Second facteur enregistré.", "Second factor enrolled."},
}
