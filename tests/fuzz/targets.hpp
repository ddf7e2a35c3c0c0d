#pragma once
// The fuzz targets: each takes any bytes and must return. What may not happen, a crash aside, is
// asserted inside (asserts are on in every build): round trips, two readers that differ, something
// accepted that nobody signed.
// Threads: one; some targets keep state between calls, as the code that they try does.

#include <string_view>

namespace weft::fuzz {

void proof(std::string_view input);            ///< A proof frame.
void contents(std::string_view input);         ///< A contents frame.
void verifier(std::string_view input);         ///< Three frames; see verifier_fuzz.cpp.
void certificate(std::string_view input);      ///< What a CA signed, and a CA's public half.
void revocation_list(std::string_view input);  ///< What a CA signed.
void armor(std::string_view input);            ///< The text of a key directory's file.
void content(std::string_view input);          ///< [header, body] of a message.
void msgpack(std::string_view input);          ///< A msgpack body.
void json(std::string_view input);             ///< JSON text.
void json_query(std::string_view input);       ///< A path, '\n', JSON text.
void yaml(std::string_view input);             ///< A configuration file.
void texts(std::string_view input);            ///< Endpoints, durations, sizes, --set, ids.
void glob(std::string_view input);             ///< A glob, '\n', a topic.
void beacon(std::string_view input);           ///< Announcements, one after the other.
void control(std::string_view input);          ///< Subscriptions of strangers.
void ack_request(std::string_view input);      ///< A request for acknowledgements.
void ack_statement(std::string_view input);    ///< The body of an ACK; a handler's reason.
void recipients(std::string_view input);       ///< Groups, and who must acknowledge.
void journal_request(std::string_view input);  ///< What a journal is asked.
void journal_answer(std::string_view input);   ///< What a journal answers.
void cursor_fields(std::string_view input);    ///< Cursors, groups and families in both.
void exec_answer(std::string_view input);      ///< A line of an executable's stdout.
void dead_letter(std::string_view input);      ///< The body of a dead letter.
void plugin_frames(std::string_view input);    ///< What an isolated plugin and the hub say.
void rse_request(std::string_view input);      ///< Path, '\n', query, '\n', User-Agent.
void rse_body(std::string_view input);         ///< What RSE clients post.
void uri(std::string_view input);              ///< A target, a query, text with escapes.
void http_request(std::string_view input);     ///< What a client of the gateway sends.
void cloud_events(std::string_view input);     ///< Content type and headers, '\n\n', a body.
void ws_frames(std::string_view input);        ///< A frame of the native WebSocket.
void esub_frames(std::string_view input);      ///< A frame of esub's prep.
void routemaster_event(std::string_view input);
void subscribe_request(std::string_view input);  ///< Of Routemaster.
void webhook_request(std::string_view input);    ///< Of the native webhooks.

}  // namespace weft::fuzz
