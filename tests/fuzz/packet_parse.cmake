rgw_fuzz(packet_parse LINKS rgw_nat)
