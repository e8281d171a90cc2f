"""HMAR (Kumbong et al. 2025): scales that see themselves alone, and masked steps within a scale; see ``adapter``."""
