# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where. The units name absolute paths (/usr/sbin/cardgated, /etc/cardgate, /run/cardgate),
# so what systemd is to start is installed with `cmake --install BUILD --prefix /usr`, DESTDIR as you like.
# Configuration that is there already stays as it is.
include(GNUInstallDirs)

foreach(program cardgated:${CMAKE_INSTALL_SBINDIR} cardgate:${CMAKE_INSTALL_BINDIR}
    cardgate-fetch:${CMAKE_INSTALL_LIBEXECDIR} cardgate-vendor-cards:${CMAKE_INSTALL_LIBEXECDIR})
  string(REPLACE ":" ";" program ${program})
  list(POP_FRONT program name)
  if(TARGET ${name})
    install(TARGETS ${name} RUNTIME DESTINATION ${program})
  endif()
endforeach()

# systemd's folders are never multiarch ones.
install(FILES systemd/cardgated.service systemd/cardgated.socket systemd/cardgated-admin.socket systemd/cardgate-backup.service systemd/cardgate-backup.timer
  systemd/cardgate-metrics.socket systemd/cardgate-metrics.service
  systemd/cardgate-fetch.socket systemd/cardgate-fetch@.service systemd/cardgate-vendor-cards.socket systemd/cardgate-vendor-cards@.service
  systemd/cardgate-notice.socket systemd/cardgate-notice@.service
  DESTINATION lib/systemd/system)
install(FILES systemd/user/cardgate-agent.service DESTINATION lib/systemd/user)
install(FILES systemd/cardgate.catalog DESTINATION lib/systemd/catalog)
install(FILES systemd/sysusers.d/cardgate.conf DESTINATION lib/sysusers.d)
install(FILES systemd/tmpfiles.d/cardgate.conf DESTINATION lib/tmpfiles.d)
install(FILES systemd/polkit/50-cardgate.rules DESTINATION share/polkit-1/rules.d)

# Where Debian's libpam looks; the profile does nothing until pam-auth-update turns it on.
if(TARGET pam_cardgate)
  install(TARGETS pam_cardgate LIBRARY DESTINATION lib/${CMAKE_LIBRARY_ARCHITECTURE}/security)
endif()
install(FILES config/pam-configs/cardgate DESTINATION share/pam-configs)

install(DIRECTORY config/ DESTINATION share/doc/cardgate/examples FILES_MATCHING PATTERN "*.yaml" PATTERN "*.json" PATTERN "*.csv" PATTERN "*.conf" PATTERN "*.txt" PATTERN "Caddyfile")
install(DIRECTORY docs/ DESTINATION share/doc/cardgate FILES_MATCHING PATTERN "*.md" PATTERN "*.png" PATTERN "man" EXCLUDE)
install(FILES config/bash-completion/cardgate DESTINATION share/bash-completion/completions)
install(FILES LICENSE DESTINATION share/doc/cardgate)
install(FILES client/python/cardgate.py client/python/open_page.py DESTINATION share/cardgate/python)
install(FILES proto/openapi.yaml DESTINATION share/cardgate OPTIONAL)

install(CODE "set(source \"${CMAKE_CURRENT_SOURCE_DIR}\")")
install(CODE [[
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(etc /etc/cardgate)
    set(xdg /etc/xdg)
  else()
    set(etc "${CMAKE_INSTALL_PREFIX}/etc/cardgate")
    set(xdg "${CMAKE_INSTALL_PREFIX}/etc/xdg")
  endif()
  foreach(name cardgated.yaml policy.yaml password-blocklist.txt)
    if(EXISTS "${source}/config/${name}" AND NOT EXISTS "$ENV{DESTDIR}${etc}/${name}")
      file(INSTALL DESTINATION "${etc}" TYPE FILE FILES "${source}/config/${name}")
    endif()
  endforeach()
  # Desktops look for what starts with them in /etc alone.
  file(INSTALL DESTINATION "${xdg}/autostart" TYPE FILE FILES "${source}/systemd/autostart/cardgate-agent.desktop")
  foreach(folder anchors intermediates crls)
    file(MAKE_DIRECTORY "$ENV{DESTDIR}${etc}/trust/${folder}")
  endforeach()
]])
