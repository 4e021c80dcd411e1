#include "realmgw/www/nginx_config.hpp"

#include "realmgw/net/transport.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace rgw::www {
namespace {

constexpr std::string_view head =
    R"(# Written by realmgwd from the realm file and the hosts that were added at run time. Changes here are lost.
# Relative names are in the directory that nginx is started in and has as its prefix: nginx -p . -c FILE

load_module /usr/lib/nginx/modules/ngx_stream_module.so;
pid nginx.pid;
error_log stderr error;
)";

constexpr std::string_view process = R"(
worker_processes 2;
worker_shutdown_timeout 24h;
events { worker_connections 8192; }
)";

// What holds for HTTP. Nothing is kept in files: bodies pass as they come, in both directions.
constexpr std::string_view http_rules = R"(
  access_log off;
  server_tokens off;
  default_type text/plain;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;

  client_header_timeout 10s;
  client_body_timeout 60s;
  send_timeout 60s;
  keepalive_timeout 65s;
  reset_timedout_connection on;
  large_client_header_buffers 4 16k;
  client_max_body_size 0;
  limit_conn_zone $binary_remote_addr zone=www_clients:8m;

  map $http_upgrade $www_upgrade {
    default "";
    ~*^websocket$ websocket;
  }
  map $www_upgrade $www_connection {
    default upgrade;
    "" close;
  }
)";

// $host is in lower case, without a port or a final dot, and the one that the request line names where both
// do.
constexpr std::string_view http_server = R"(    limit_conn www_clients 256;
    if ($www_http = "") { return 421 "No host of this realm has this web name.\n"; }

    location / {
      proxy_pass http://$www_http;
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto http;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header Forwarded "";
      proxy_set_header Upgrade $www_upgrade;
      proxy_set_header Connection $www_connection;
      proxy_pass_header Server;
      proxy_pass_header Date;
      proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
      proxy_redirect off;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 4 32k;
      proxy_connect_timeout 4s;
      proxy_read_timeout 300s;
      proxy_send_timeout 60s;
      proxy_socket_keepalive on;
    }
  }

  # Refuses TLS for a name that no host has, with the alert unrecognized_name.
  server {
    listen unix:refuse.sock ssl;
    ssl_reject_handshake on;
  }
}
)";

// The ClientHello must be there within `preread_timeout`, and is 16 KiB long at most.
constexpr std::string_view tls_rules = R"(
  preread_timeout 10s;
  preread_buffer_size 16k;
  proxy_connect_timeout 4s;
  proxy_timeout 1h;
  proxy_socket_keepalive on;
  limit_conn_zone $binary_remote_addr zone=www_tls_clients:8m;
)";

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

std::string endpoint(const net::IpAddress& address, std::uint16_t port) {
  return net::Endpoint{address, port}.to_string();
}

/// The rows of a map.
struct Rows {
  std::string text;
  void add(std::string_view name, const std::string& value) {
    text.append("    ").append(name).append(1, ' ').append(value).append(";\n");
  }
};

std::string map_block(std::string_view from, std::string_view to, std::string_view otherwise,
                      const Rows& rows) {
  std::string text = "\n  map " + std::string{from} + " " + std::string{to} + " {\n";
  text += "    default " + std::string{otherwise} + ";\n";
  return text + rows.text + "  }\n";
}

/// Those that may stand in a configuration, each name once, in order: of two with one name the first counts.
std::vector<const Host*> sound(const std::vector<Host>& hosts) {
  std::vector<const Host*> all;
  all.reserve(hosts.size());
  for (const Host& host : hosts)
    if (is_web_name(host.name)) all.push_back(&host);
  std::ranges::stable_sort(all, {}, &Host::name);
  const auto same = [](const Host* a, const Host* b) { return a->name == b->name; };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  return all;
}

/// These come before the first map. The longest name, with what nginx keeps beside it, fits a bucket: nginx
/// refuses to start otherwise.
std::string map_sizes(std::size_t names) {
  const std::size_t size = std::bit_ceil(std::max<std::size_t>(2 * names, 2048));
  return "\n  map_hash_bucket_size 512;\n  map_hash_max_size " + std::to_string(size) + ";\n";
}

/// The beginning of a server that listens at all of the addresses.
std::string server(const std::vector<net::IpAddress>& addresses, std::uint16_t port) {
  std::string text = "\n  server {\n";
  for (auto address = addresses.begin(); address != addresses.end(); ++address) {
    if (std::find(addresses.begin(), address, *address) != address) continue;  // nginx takes each once
    text += "    listen " + endpoint(*address, port) + " so_keepalive=on;\n";
  }
  return text;
}

}  // namespace

bool is_web_name(std::string_view name) {
  if (name.size() > 253 || !name.starts_with("www.")) return false;
  char before = '.';
  for (const char c : name) {
    if (c == '.' ? before == '.' || before == '-' : !is_label_character(c)) return false;
    if (c == '-' && before == '.') return false;
    before = c;
  }
  return before != '.' && before != '-';
}

std::string nginx_config(const Site& site) {
  std::string text{head};
  if (site.addresses.empty()) return text + "\n# No web name is served.\nevents {}\n";
  const auto hosts = sound(site.hosts);
  Rows http, tls, with_header;
  for (const Host* host : hosts) {
    http.add(host->name, endpoint(host->address, 80));
    (host->proxy_protocol ? with_header : tls).add(host->name, endpoint(host->address, 443));
  }
  text += process;
  text += "\nhttp {" + map_sizes(hosts.size());
  text += http_rules;
  text += map_block("$host", "$www_http", "\"\"", http);
  text += server(site.addresses, 80);
  text += http_server;

  text += "\nstream {" + map_sizes(hosts.size());
  text += tls_rules;
  text += map_block("$ssl_preread_server_name", "$www_tls", "unix:refuse.sock", tls);
  const std::string outer =
      server(site.addresses, 443) + "    limit_conn www_tls_clients 256;\n    ssl_preread on;\n";
  if (with_header.text.empty()) return text + outer + "    proxy_pass $www_tls;\n  }\n}\n";
  // nginx writes the header for a whole server. So what is for other hosts passes a second one, which takes
  // the header away again.
  text += map_block("$ssl_preread_server_name", "$www_tls_with_header", "unix:plain.sock", with_header);
  text += outer + "    proxy_pass $www_tls_with_header;\n    proxy_protocol on;\n  }\n";
  text += R"(
  server {
    listen unix:plain.sock proxy_protocol;
    ssl_preread on;
    proxy_pass $www_tls;
  }
}
)";
  return text;
}

}  // namespace rgw::www
