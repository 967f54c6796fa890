"""Addresses of what is remembered."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
