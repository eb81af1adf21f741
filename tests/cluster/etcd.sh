#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The etcd client against Debian's etcd: swaps, watches, compaction, tokens, TLS, endpoints that fail, answers that
# never come, and an etcd that was restored from a backup.

# shellcheck source=tests/lib.sh
source "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/cluster/lib.sh
source "$(dirname "$0")/lib.sh"

A=http://127.0.0.1:2379
B=http://127.0.0.1:12379

alive='{"epoch":"00000000000000000000000000000001.00000000000000000000000000000001.0000000000000001","nonce":"%016x","state":"alive","ttlMs":5000}'

# alive N: a value of an alive record
alive()
{
	# shellcheck disable=SC2059 # the format is above
	printf "$alive" "$1"
}

test_swaps_happen_on_their_conditions_only()
{
	etcd_start a "$A"
	etcd_wait "$A"
	talk_start 500 "$A"
	say read alive/h1
	hear '^answer 1 read alive/h1@[0-9]+=- revision [0-9]+$'
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 2 won revision [0-9]+$'
	revision=${line##* }
	assert_equal "$(alive 1)" "$(etcdctl --endpoints "$A" get --print-value-only /rangeguard/alive/h1)" "what etcd has"
	say put alive/h1 "$(alive 2)" alive/h1 0
	hear "^answer 3 read alive/h1@$revision=.*0000000000000001\",\"state"
	say put alive/h1 "$(alive 2)" alive/h1 "$revision" "=$(alive 7)"
	hear "^answer 4 read alive/h1@$revision="
	say put source/10.0.0.1 "$(alive 2)" source/10.0.0.1 0 alive/h1 "$revision" "=$(alive 1)" policy 0
	hear '^answer 5 won'
	say put source/10.0.0.1 "$(alive 2)" source/10.0.0.1 0 alive/h1 "$revision" policy 3
	hear "^answer 6 read source/10.0.0.1@[0-9]+=[^ ]* alive/h1@$revision=[^ ]* policy@0=- revision"
	say list
	hear '^answer 7 read alive/h1@[0-9]+=[^ ]* source/10.0.0.1@[0-9]+=[^ ]* revision'
	say delete alive/h1 "$((revision + 50))"
	hear "^answer 8 read alive/h1@$revision="
	say delete alive/h1 "$revision"
	hear '^answer 9 won'
	say list
	hear '^answer 10 read source/10.0.0.1@[0-9]+=[^ ]* revision'
	etcdctl --endpoints "$A" put /rangeguarded/alive/h1 x >/dev/null
	etcdctl --endpoints "$A" put /rangeguard/else x >/dev/null
	etcdctl --endpoints "$A" put /rangeguard/source/10.00.0.1 x >/dev/null
	say list
	hear '^answer 11 read source/10.0.0.1@[0-9]+=[^ ]* revision'
	talk_stop
}

test_the_watch_shows_each_change_and_says_when_it_cannot()
{
	etcd_start a "$A"
	etcd_wait "$A"
	talk_start 500 "$A"
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 1 won revision'
	revision=${line##* }
	say watch "$revision"
	hear "^watched alive/h1@$revision="
	say put alive/h1 "$(alive 2)" alive/h1 "$revision"
	hear "^watched alive/h1@$((revision + 1))=.*02\",\"state"
	printf '\x00\xff' | etcdctl --endpoints "$A" put /rangeguard/alive/h2 >/dev/null
	hear "^watched alive/h2@$((revision + 2))=\?"
	etcdctl --endpoints "$A" del /rangeguard/alive/h1 >/dev/null
	hear "^watched alive/h1@$((revision + 3))=-"
	for i in {1..20}; do
		etcdctl --endpoints "$A" put /rangeguard/alive/h2 "$i" >/dev/null
	done
	hear "^watched alive/h2@$((revision + 23))="
	# Resumed from a revision that is no more: it must be said, since changes were missed.
	etcdctl --endpoints "$A" compaction $((revision + 20)) >/dev/null
	say watch "$revision"
	hear '^watch-lost .*compacted'
	say list
	hear '^answer 3 read alive/h2@[0-9]+=20 revision [0-9]+$'
	say watch $((${line##* } + 1))
	etcdctl --endpoints "$A" put /rangeguard/alive/h2 21 >/dev/null
	hear '^watched alive/h2@[0-9]+=21'
	# etcd ends: so does the watch
	etcd_stop a
	hear '^watch-lost' 10
	talk_stop
}

test_the_next_endpoint_when_one_fails()
{
	etcd_start a "$A"
	etcd_start b "$B"
	etcd_wait "$A"
	etcd_wait "$B"
	etcdctl --endpoints "$B" put /rangeguard/alive/h1 b >/dev/null
	# Nobody listens at the first one: the request never left, and goes to the next one within its own time.
	talk_start 500 http://127.0.0.1:9 "$B"
	say read alive/h1
	hear '^answer 1 read alive/h1@[0-9]+=b '
	talk_stop
	talk_heard=0
	# The first one takes the request and says nothing: what became of it is not known. The next goes elsewhere.
	talk_start 500 "$A" "$B"
	say read alive/h1
	hear '^answer 1 read alive/h1@[0-9]+=- '
	etcd_stop a STOP
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^unknown 2 http://127.0.0.1:2379: .*[Tt]imed out.* \(a request may take a tenth of ttl\)' 3
	say read alive/h1
	hear '^restored'
	say read alive/h1
	hear '^answer 4 read alive/h1@[0-9]+=b '
	talk_stop
}

# answer_always PORT STATUS BODY [HEADER]: something that is not etcd, and says the same to each request
answer_always()
{
	cat >"always-$1.sh" <<-SH
		length=0
		while IFS= read -r line && line=\${line%\$'\r'} && [[ -n "\$line" ]]; do
			[[ "\${line,,}" != content-length:* ]] || length=\${line##* }
		done
		head -c "\$length" >/dev/null
		cat "always-$1"
	SH
	printf 'HTTP/1.1 %s\r\nContent-Length: %s\r\nConnection: close\r\n%s\r\n%s' "$2" "${#3}" "${4:+$4$'\r\n'}" "$3" >"always-$1"
	socat "TCP-LISTEN:$1,reuseaddr,fork" "EXEC:bash always-$1.sh" &
	wait_until 5 eval "ss -Htln sport = :$1 | grep -q ."
}

test_what_is_not_etcd_is_left_for_the_next_endpoint()
{
	local LC_ALL=C port

	etcd_start a "$A"
	etcd_wait "$A"
	etcdctl --endpoints "$A" put /rangeguard/alive/h1 a >/dev/null
	authentication
	# A page in Latin-1 that would turn a terminal red
	answer_always 7000 "503 Away" $'<b>Wartung f\xfcr \e[31mimmer'
	answer_always 7001 "302 Found" "moved" "Location: https://login.example/"
	answer_always 7002 "400 Bad Request" "Client sent an HTTP request to an HTTPS server."
	answer_always 7003 "200 OK" "<h1>Welcome"
	answer_always 7004 "401 Unauthorized" "who are you?"
	for port in 7000 7001 7002 7003 7004; do
		talk_heard=0
		talk_start 1000 "http://127.0.0.1:$port" "$A" --user rg secret
		say read alive/h1
		hear "^unknown 1 http://127.0.0.1:$port: (HTTP [345]|an answer that is not understood)"
		[[ "$port" != 7000 ]] || assert_contains "$line" 'HTTP 503: <b>Wartung f?r ?[31mimmer' "a page of anybody"
		[[ "$port" != 7001 ]] || assert_contains "$line" 'HTTP 302: a redirect to https://login.example/' "a redirect"
		say read alive/h1
		hear '^answer 2 read alive/h1@[0-9]+=a '
		talk_stop
	done
	# The same without authentication, where requests themselves meet it
	etcdctl --endpoints "$A" --user root:root auth disable >/dev/null
	for port in 7000 7001 7002 7003 7004; do
		talk_heard=0
		talk_start 1000 "http://127.0.0.1:$port" "$A/"
		say read alive/h1
		hear "^unknown 1 http://127.0.0.1:$port: (HTTP [345]|an answer that is not understood)"
		say read alive/h1
		hear '^answer 2 read alive/h1@[0-9]+=a '
		talk_stop
	done
}

test_a_key_of_any_bytes_is_passed_over()
{
	etcd_start a "$A"
	etcd_wait "$A"
	talk_start 500 "$A"
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 1 won revision'
	say watch "${line##* }"
	hear '^watched alive/h1@'
	curl -sf "$A/v3/kv/put" -d "{\"key\":\"$(printf '/rangeguard/alive/h1\0' | base64)\",\"value\":\"eA==\"}" >/dev/null
	etcdctl --endpoints "$A" put $'/rangeguard/alive/\xff' x >/dev/null
	etcdctl --endpoints "$A" put /rangeguard/alive/h2 x >/dev/null
	hear '^watched alive/h2@'
	say list
	hear '^answer 2 read alive/h1@[0-9]+=\{[^ ]* alive/h2@[0-9]+=x revision'
	assert_equal 0 "$(grep -c '^watch-lost' talk.log)" "watches that ended"
	talk_stop
}

# has_value KEY: whether etcd has it
has_value()
{
	[[ -n "$(etcdctl --endpoints "$A" get --print-value-only "$1")" ]]
}

test_an_answer_that_never_comes_is_unknown()
{
	etcd_start a "$A"
	etcd_wait "$A"
	# A proxy that hands requests on and swallows what comes back
	socat "TCP-LISTEN:7000,reuseaddr,fork" "SYSTEM:socat -u - TCP\:127.0.0.1\:2379" &
	wait_until 5 eval 'ss -Htln sport = :7000 | grep -q .'
	talk_start 500 http://127.0.0.1:7000
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^unknown 1 ' 5
	wait_until 5 has_value /rangeguard/alive/h1
	talk_stop
}

# authentication: user rg with a role for the prefix
authentication()
{
	etcdctl --endpoints "$A" user add root:root >/dev/null
	etcdctl --endpoints "$A" role add root >/dev/null 2>&1 || true
	etcdctl --endpoints "$A" user grant-role root root >/dev/null
	etcdctl --endpoints "$A" role add rangeguard >/dev/null
	etcdctl --endpoints "$A" role grant-permission rangeguard readwrite /rangeguard/ /rangeguard0 >/dev/null
	etcdctl --endpoints "$A" user add rg:secret >/dev/null
	etcdctl --endpoints "$A" user grant-role rg rangeguard >/dev/null
	etcdctl --endpoints "$A" auth enable >/dev/null
}

test_a_token_is_renewed_once_per_request()
{
	etcd_start a "$A"
	etcd_wait "$A"
	authentication
	talk_start 500 "$A" --user rg secret
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 1 won revision'
	say watch "${line##* }"
	hear '^watched alive/h1@'
	# Simple tokens die with etcd.
	etcd_stop a
	hear '^watch-lost' 10
	etcd_start a "$A"
	wait_until 20 etcdctl --endpoints "$A" --user rg:secret get /rangeguard/alive/h1
	say read alive/h1
	hear '^answer 2 read alive/h1@[0-9]+=\{'
	say watch 1
	hear '^watched alive/h1@'
	talk_stop
	talk_heard=0
	talk_start 500 "$A" --user rg wrong
	say read alive/h1
	hear '^unknown 1 .*user rg is refused: .*authentication failed'
	talk_stop
	talk_heard=0
	# A role that lacks the prefix
	etcdctl --endpoints "$A" --user root:root role revoke-permission rangeguard /rangeguard/ /rangeguard0 >/dev/null
	talk_start 500 "$A" --user rg secret
	say read alive/h1
	hear '^unknown 1 .*HTTP 403: .*permission denied'
	talk_stop
}

# certificate NAME SUBJECT_ALT_NAME: signed by ca.pem, without a common name, which etcd's gateway would not take
certificate()
{
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/O=test" >/dev/null 2>&1
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \
		-extfile <(echo "subjectAltName=$2"; echo "extendedKeyUsage=serverAuth,clientAuth") >/dev/null 2>&1
}

test_tls_both_ways()
{
	local url=https://127.0.0.1:2379

	openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/O=ca" >/dev/null 2>&1
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj "/O=other" >/dev/null 2>&1
	certificate server IP:127.0.0.1
	certificate client DNS:h1
	etcd_start a "$url" --cert-file server.pem --key-file server.key --client-cert-auth --trusted-ca-file ca.pem
	wait_until 20 etcdctl --endpoints "$url" --cacert ca.pem --cert client.pem --key client.key get x
	talk_start 1000 "$url" --ca ca.pem --cert client.pem --key client.key
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 1 won'
	say watch 1
	hear '^watched alive/h1@'
	talk_stop
	talk_heard=0
	talk_start 1000 "$url" --ca other.pem --cert client.pem --key client.key
	say read alive/h1
	hear '^unknown 1 .*certificate is not taken: it has expired, is for another name, or other.pem did not sign it'
	talk_stop
	talk_heard=0
	talk_start 1000 https://localhost:2379 --ca ca.pem --cert client.pem --key client.key
	say read alive/h1
	hear '^unknown 1 .*certificate'
	talk_stop
	talk_heard=0
	talk_start 1000 "$url" --ca ca.pem
	say read alive/h1
	hear '^unknown 1 '
	talk_stop
	talk_heard=0
	talk_start 1000 "$url" --ca absent.pem
	say read alive/h1
	hear "^unknown 1 .*tls.ca absent.pem can't be used"
	talk_stop
}

test_an_etcd_that_was_restored_is_noticed()
{
	etcd_start a "$A"
	etcd_wait "$A"
	talk_start 500 "$A"
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 1 won revision'
	revision=${line##* }
	say watch "$revision"
	hear '^watched alive/h1@'
	etcdctl --endpoints "$A" snapshot save backup.db >/dev/null 2>&1
	say put alive/h1 "$(alive 2)" alive/h1 "$revision"
	hear '^answer 2 won'
	etcd_stop a
	hear '^watch-lost' 10
	rm -r etcd-a
	etcdctl snapshot restore backup.db --name a --data-dir etcd-a --initial-cluster a=http://127.0.0.1:2380 \
		--initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster-token another >/dev/null 2>&1
	etcd_start a "$A"
	etcd_wait "$A"
	say read alive/h1
	hear '^restored'
	say read alive/h1
	hear "^answer 4 read alive/h1@$revision=.*01\",\"state.* revision $revision$"
	talk_stop
}

test_a_watch_that_goes_dead_is_noticed()
{
	etcd_start a "$A"
	etcd_wait "$A"
	# The watch goes through a proxy that is stopped: no FIN, no RST, no event.
	socat "TCP-LISTEN:7000,reuseaddr,fork" TCP:127.0.0.1:2379 &
	proxy=$!
	wait_until 5 eval 'ss -Htln sport = :7000 | grep -q .'
	talk_start 500 http://127.0.0.1:7000
	say put alive/h1 "$(alive 1)" alive/h1 0
	hear '^answer 1 won revision'
	revision=${line##* }
	say watch "$revision"
	hear '^watched alive/h1@'
	children=$(pgrep -P "$proxy")
	# shellcheck disable=SC2086 # several
	kill -STOP $children
	# Requests go through connections of their own, and so does a change that the watch would show.
	say put alive/h1 "$(alive 2)" alive/h1 "$revision"
	hear '^answer 2 won' 5
	hear '^watch-lost .*does not show what has changed' 10
	talk_stop
}

main "$@"
