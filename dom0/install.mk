# make install, make uninstall: the host domain's programs and files. PREFIX
# and DESTDIR as usual; what an administrator may have changed is kept.
PREFIX     ?= /usr
DESTDIR    ?=
SBINDIR    := $(PREFIX)/sbin
MANDIR     := $(PREFIX)/share/man
COMPDIR    := $(PREFIX)/share/bash-completion/completions
UNITDIR    ?= /lib/systemd/system
LIBDIR     := $(PREFIX)/lib

install-conf := paravane.conf networks.conf
install-pages = $(wildcard dom0/man/*.[1-8] xenstore/man/*.[1-8] pv-backends/man/*.[1-8])

.PHONY: install uninstall purge
install: userland ## programs, units, manual pages, default configuration
	@install -d $(addprefix $(DESTDIR),$(SBINDIR) $(COMPDIR) $(UNITDIR) \
		$(LIBDIR)/modules-load.d $(LIBDIR)/tmpfiles.d $(LIBDIR)/sysusers.d \
		/etc/paravane /etc/logrotate.d /var/cache/paravane/kernels)
	@install -d -m 750 $(DESTDIR)/var/log/paravane
	@install -m 755 -s $(programs) $(DESTDIR)$(SBINDIR)
	@for f in $(install-conf); do \
		test -e $(DESTDIR)/etc/paravane/$$f || \
		install -m 644 dom0/install/$$f $(DESTDIR)/etc/paravane/$$f; done
	@install -m 644 dom0/install/logrotate $(DESTDIR)/etc/logrotate.d/paravane
	@install -m 644 dom0/install/modules-load.conf $(DESTDIR)$(LIBDIR)/modules-load.d/paravane.conf
	@install -m 644 dom0/install/tmpfiles.conf $(DESTDIR)$(LIBDIR)/tmpfiles.d/paravane.conf
	@install -m 644 dom0/install/sysusers.conf $(DESTDIR)$(LIBDIR)/sysusers.d/paravane.conf
	@install -m 644 dom0/completion/pvn $(DESTDIR)$(COMPDIR)/pvn
	@sed 's|@SBINDIR@|$(SBINDIR)|' dom0/systemd/pvnd.service.in > $(DESTDIR)$(UNITDIR)/pvnd.service
	@for p in $(install-pages); do s=$${p##*.}; \
		install -d $(DESTDIR)$(MANDIR)/man$$s; \
		install -m 644 $$p $(DESTDIR)$(MANDIR)/man$$s; done

uninstall: ## remove what install put there; /etc/paravane and logs stay
	@rm -f $(addprefix $(DESTDIR)$(SBINDIR)/,$(notdir $(programs)))
	@rm -f $(DESTDIR)$(UNITDIR)/pvnd.service $(DESTDIR)$(COMPDIR)/pvn \
		$(DESTDIR)/etc/logrotate.d/paravane \
		$(foreach d,modules-load.d tmpfiles.d sysusers.d,$(DESTDIR)$(LIBDIR)/$(d)/paravane.conf)
	@for p in $(install-pages); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${p##*.}/$${p##*/}; done
	@rm -rf $(DESTDIR)/var/cache/paravane

purge: uninstall ## and the configuration and logs too
	@rm -rf $(DESTDIR)/etc/paravane $(DESTDIR)/var/log/paravane $(DESTDIR)/var/lib/paravane

.PHONY: deb
deb: hypervisor userland ## a Debian package of everything, build/paravane_*.deb
	@dom0/install/package.sh $(BUILD) $(VERSION)
