// TLS: beside plain HTTP on the same port, alone (rule H5), and with a renewed certificate.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpClient;
using ::testing::StartsWith;

/// A key and a self-signed certificate of this name, as PEM files.
void write_certificate(const std::filesystem::path& directory, const std::string& name) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen((directory / "cert.pem").c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen((directory / "key.pem").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/// TLS over a connected socket, as a client that trusts everybody.
class TlsClient {
public:
    explicit TlsClient(std::uint16_t port, int version_max = 0, bool offer_http2 = false)
        : tcp_(port), context_(SSL_CTX_new(TLS_client_method())) {
        if (version_max != 0) {
            SSL_CTX_set_min_proto_version(context_, 0);
            SSL_CTX_set_max_proto_version(context_, version_max);
            SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
        }
        ssl_ = SSL_new(context_);
        static constexpr unsigned char offered[] = "\x02h2\x08http/1.1";
        if (offer_http2) SSL_set_alpn_protos(ssl_, offered, sizeof offered - 1);
        SSL_set_fd(ssl_, tcp_.fd());
        connected_ = SSL_connect(ssl_) == 1;
    }
    ~TlsClient() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }
    TlsClient(const TlsClient&) = delete;
    TlsClient& operator=(const TlsClient&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] std::string version() const { return SSL_get_version(ssl_); }
    [[nodiscard]] std::string protocol() const {
        const unsigned char* name = nullptr;
        unsigned bytes = 0;
        SSL_get0_alpn_selected(ssl_, &name, &bytes);
        return {reinterpret_cast<const char*>(name), bytes};
    }
    [[nodiscard]] std::string server_name() const {
        X509* certificate = SSL_get1_peer_certificate(ssl_);
        char name[100] = {};
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                  sizeof name);
        X509_free(certificate);
        return name;
    }
    void send(const std::string& bytes) {
        SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
    }
    /// Until the server closes.
    std::string rest() {
        std::string all;
        char bytes[16384];
        for (int got = 0; (got = SSL_read(ssl_, bytes, sizeof bytes)) > 0;) {
            all.append(bytes, static_cast<std::size_t>(got));
        }
        return all;
    }
    /// `count` bytes.
    std::string take(std::size_t count) {
        std::string all(count, '\0');
        std::size_t got = 0;
        for (int some = 0; got < count && (some = SSL_read(ssl_, all.data() + got,
                                                           static_cast<int>(count - got))) > 0;) {
            got += static_cast<std::size_t>(some);
        }
        all.resize(got);
        return all;
    }

private:
    HttpClient tcp_;
    SSL_CTX* context_;
    SSL* ssl_ = nullptr;
    bool connected_ = false;
};

class HttpTls : public HttpServerTest {
protected:
    void SetUp() override {
        write_certificate(directory_.path(), "first");
        settings_.tls.certificate = directory_.path() / "cert.pem";
        settings_.tls.key = directory_.path() / "key.pem";
    }
    const std::string last_ = get("/secret?x", "Connection: close\r\n");
    testing::TempDir directory_;
};

TEST_F(HttpTls, IsSpokenBesidePlainHttpOnTheSamePort) {
    serve([](const auto& exchange) {
        exchange->answer(
            Response::of(200, "text/plain", exchange->request().tls ? "tls" : "plain"));
    });
    TlsClient client(port());
    ASSERT_TRUE(client.connected());

    client.send(get("/") + last_);
    EXPECT_THAT(client.rest(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\ntls")));
    EXPECT_EQ(connect().ask(get("/")).body, "plain");
    EXPECT_THAT(server_->listeners().front().url(), StartsWith("https://127.0.0.1:"));
}

TEST_F(HttpTls, CarriesLargeBodiesBothWaysAndStreams) {
    serve([](const auto& exchange) {
        auto stream = exchange->stream({});
        stream->send(bytes(exchange->request().body));
        stream->send(bytes("!end!"));
    });
    TlsClient client(port());
    client.send(post("/", std::string(300'000, 'x'), "Connection: close\r\n"));

    const std::string all = client.rest();
    EXPECT_GT(all.size(), 300'000U);
    EXPECT_THAT(all.substr(all.size() - 30), HasSubstr("!end!"));
}

TEST_F(HttpTls, CarriesWebSockets) {
    serve([](const auto& exchange) {
        WebSocketHooks hooks;
        auto kept = std::make_shared<std::shared_ptr<WebSocket>>();
        hooks.open = [kept](std::shared_ptr<WebSocket> socket) { *kept = std::move(socket); };
        hooks.message = [kept](const std::string& message, bool) {
            (*kept)->send_text(bytes(message + "!"));
        };
        exchange->upgrade(std::move(hooks));
    });
    TlsClient client(port());
    client.send(get("/",
                    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
                    "13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    "Origin: https://h\r\n") +
                std::string("\x81\x82\0\0\0\0hi", 8));

    std::string got;
    while (got.find("hi!") == std::string::npos && got.size() < 1000) {
        const std::string more = client.take(1);
        if (more.empty()) break;
        got += more;
    }
    EXPECT_THAT(got, AllOf(StartsWith("HTTP/1.1 101"), HasSubstr("hi!")));
}

TEST_F(HttpTls, OnlySendsPlainRequestsAwayBeforeAnyHandlerSeesThem) {  // H5
    settings_.tls.only = true;
    serve_echo();
    HttpClient client = connect();

    const HttpAnswer answer = client.ask(post("/a?b=c", "password"));

    EXPECT_EQ(answer.status, 308U);
    EXPECT_EQ(answer.headers.at("location"), "https://h/a?b=c");
    EXPECT_TRUE(client.is_closed());
    EXPECT_EQ(stat("refused.tls_only"), 1U);
    EXPECT_EQ(handler_->handled, 0);
    TlsClient secure(port());
    secure.send(last_);
    EXPECT_THAT(secure.rest(), HasSubstr("GET /secret?x"));
}

TEST_F(HttpTls, RefusesAbusiveFramingInside) {  // H4
    serve_echo();
    TlsClient client(port());
    client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
        get("/smuggled"));
    EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 400 "));
    EXPECT_EQ(handler_->handled, 0);
}

TEST_F(HttpTls, SpeaksNothingOlderThan12AndNoHttp2) {
    serve_echo();
    EXPECT_FALSE(TlsClient(port(), TLS1_1_VERSION).connected());
    TlsClient old(port(), TLS1_2_VERSION);
    EXPECT_TRUE(old.connected());
    EXPECT_EQ(old.version(), "TLSv1.2");
    EXPECT_EQ(TlsClient(port(), 0, true).protocol(), "http/1.1");
    EXPECT_EQ(stat("tls_failed"), 1U);
}

TEST_F(HttpTls, TakesARenewedCertificateAndKeepsTheOldOneIfTheNewIsBroken) {
    serve_echo();
    TlsClient before(port());
    EXPECT_EQ(before.server_name(), "first");

    write_certificate(directory_.path(), "second");
    ASSERT_TRUE(server_->reload_tls());
    EXPECT_EQ(TlsClient(port()).server_name(), "second");
    before.send(last_);
    EXPECT_THAT(before.rest(), HasSubstr("GET /secret?x")) << "open connections go on";

    std::filesystem::resize_file(directory_.path() / "cert.pem", 10);
    const auto reloaded = server_->reload_tls();
    ASSERT_FALSE(reloaded);
    EXPECT_THAT(reloaded.error(), HasSubstr("cert.pem"));
    EXPECT_EQ(TlsClient(port()).server_name(), "second");
}

TEST_F(HttpTls, SaysWhyItCannotOpen) {
    std::filesystem::remove(directory_.path() / "key.pem");
    settings_.listeners = {{"127.0.0.1:0", {}}};
    EXPECT_THAT(Server::open(settings_).error(), HasSubstr("key.pem"));
    ServerSettings without;
    without.tls.only = true;
    EXPECT_THAT(Server::open(without).error(), HasSubstr("gateway.tls.certificate"));
}

TEST_F(HttpTls, TellsHandlersThatAClientHasGone) {
    serve_shelf();
    auto client = std::make_unique<TlsClient>(port());
    client->send(get("/"));
    auto exchange = shelf_.take();
    std::atomic<bool> gone{false};
    exchange->on_gone([&] { gone = true; });

    client.reset();

    EXPECT_TRUE(eventually([&] { return gone.load(); }));
    exchange.reset();
    EXPECT_TRUE(eventually([&] { return stat("connections_open") == 0; }));
}

}  // namespace
}  // namespace weft::gateway
