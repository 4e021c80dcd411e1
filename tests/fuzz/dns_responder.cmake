rgw_fuzz(dns_responder LINKS rgw_dns)
